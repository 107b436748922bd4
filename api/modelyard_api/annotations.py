"""Annotations and labels that only the façade writes and reads."""

from modelyard_crds.names import GROUP

#: Hash of the Idempotency-Key of the request that made the object.
IDEMPOTENCY = f"{GROUP}/idempotency-key"
#: Hash of what that request asked for: the key with another request is a mistake.
IDEMPOTENT_REQUEST = f"{GROUP}/idempotent-request"
#: When metadata of the object was last changed through REST.
UPDATED_AT = f"{GROUP}/updated-at"
#: The versions that retries of a request answer: JSON object of key hash to [number, request].
ANSWERED_VERSIONS = f"{GROUP}/answered-versions"
#: Number of the newest version that was asked for; it may not have been made yet.
REQUESTED_VERSION = f"{GROUP}/requested-version"

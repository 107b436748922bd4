"""What all kinds share: how models are spelled in YAML, metadata, and the resource frame."""

from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from modelyard_crds import names


class ApiModel(BaseModel):
    """A frozen piece of an API object, camelCase outside and snake_case inside.

    Unknown fields are passed over when reading, so that an older program reads newer objects;
    on writes the API server refuses them.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore"
    )

    def to_json(self) -> dict[str, Any]:
        """The JSON object, camelCase, without fields that are None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class OwnerReference(ApiModel):
    """The link from a child to its owner."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = True
    block_owner_deletion: bool = True


class ObjectMeta(ApiModel):
    """The part of ObjectMeta that Modelyard reads."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: list[str] = Field(default_factory=list)
    owner_references: list[OwnerReference] = Field(default_factory=list)


class Column(NamedTuple):
    """A printer column of ``kubectl get``."""

    name: str
    type: str
    json_path: str
    description: str
    wide: bool = False


#: What every kind prints at its end: why it is or is not ready, how old it is, what to do.
REASON_COLUMN = Column(
    "Reason",
    "string",
    ".status.conditions[?(@.type=='Ready')].reason",
    "Why it is or is not ready.",
)
AGE_COLUMN = Column("Age", "date", ".metadata.creationTimestamp", "Since its creation.")
MESSAGE_COLUMN = Column(
    "Message",
    "string",
    ".status.conditions[?(@.type=='Ready')].message",
    "What to do.",
    wide=True,
)


class Rule(NamedTuple):
    """A CEL rule on a whole object, and the sentence for whoever breaks it."""

    rule: str
    message: str


class KindInfo(NamedTuple):
    """How a kind is registered with the API server."""

    kind: str
    plural: str
    singular: str
    short_name: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    scale: dict[str, str] | None = None


class Resource(ApiModel):
    """The frame of the four kinds; subclasses add spec and status."""

    info: ClassVar[KindInfo]

    api_version: str = names.API_VERSION
    kind: str
    metadata: ObjectMeta

    @classmethod
    def parse(cls, raw: object) -> Self:
        """The typed object of a raw one, as read from the API server.

        Raises pydantic.ValidationError where the object does not follow its schema.
        """
        return cls.model_validate(raw)

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.metadata.namespace, self.metadata.name

    def owner_reference(self) -> dict[str, Any]:
        """The owner reference that children of this object carry."""
        return OwnerReference(
            api_version=self.api_version,
            kind=self.kind,
            name=self.metadata.name,
            uid=self.metadata.uid,
        ).to_json()


def validations(*rules: Rule) -> dict[str, Any]:
    """The json_schema_extra that carries CEL rules into the CRD."""
    return {"x-kubernetes-validations": [rule._asdict() for rule in rules]}


class NameRef(ApiModel):
    """A reference to an object of the same namespace."""

    name: str = Field(description="Name of the object.", min_length=1, max_length=253)


NAME_RULE = Rule(
    f"self.metadata.name.size() <= {names.NAME_MAX_LENGTH}",
    f"metadata.name must have at most {names.NAME_MAX_LENGTH} characters, "
    "so that the names derived from it fit",
)
LABEL_RULE = Rule(
    "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
    "metadata.name must be a DNS label: lower-case letters, digits and hyphens, no dots",
)

"""What answers lead to, by operation ids: the links of the OpenAPI document.

People find their next request by them, and generated tests go from answer to request. A value is
a JSON pointer into the answer, or an expression of OpenAPI.
"""

_MODEL = {"model_name": "model_name"}
_VERSION = {"model_name": "model_name", "model_version": "model_version"}
_PATH_MODEL = {"model_name": "$request.path.model_name"}
_FIRST_MODEL = {"model_name": "models/0/model_name"}
_JOB = {"job_id": "job_id"}
_FIRST_JOB = {"job_id": "jobs/0/job_id"}
_UPLOAD = {"upload_id": "upload_id"}
_DATASET = {"dataset_id": "dataset_id"}
_DEPLOYMENT = {"model_name": "model_name", "deployment_id": "deployment_id"}
_FIRST_DEPLOYMENT = {"model_name": "model_name", "deployment_id": "deployments/0/deployment_id"}

_OF_A_BUILD = {"getModelStatus": _VERSION, "getJob": _JOB, "getJobLogs": _JOB, "cancelJob": _JOB}

LINKS: dict[str, dict[str, dict[str, str]]] = {
    "createModel": {"getModel": _MODEL, "deleteModel": _MODEL, "retrainModel": _MODEL}
    | _OF_A_BUILD,
    "createModelByGoal": {"getModel": _MODEL, **_OF_A_BUILD},
    "listModels": {"getModel": _FIRST_MODEL, "deployModel": _FIRST_MODEL},
    "getModel": {
        "updateModel": _MODEL,
        "listModelVersions": _MODEL,
        "listDeployments": _MODEL,
        "deployModel": _MODEL,
        "describeModel": _VERSION,
        "getModelOpenApi": _VERSION,
        "makePrediction": _VERSION,
        "makeBatchPredictions": _VERSION,
        "getDataset": _DATASET,
    },
    "updateModel": {"getModel": _MODEL},
    "createModelVersion": _OF_A_BUILD,
    "retrainModel": {
        "getModelStatus": _PATH_MODEL | {"model_version": "new_version"},
        "getJob": _JOB,
    },
    "listJobs": {"getJob": _FIRST_JOB, "cancelJob": _FIRST_JOB, "getJobLogs": _FIRST_JOB},
    "deployModel": {
        "listDeployments": _MODEL,
        "undeployModel": _DEPLOYMENT,
        "predictWithDeployment": {"deployment_id": "deployment_id"},
    },
    "listDeployments": {
        "undeployModel": _FIRST_DEPLOYMENT,
        "predictWithDeployment": {"deployment_id": "deployments/0/deployment_id"},
    },
    "createDataset": {"getDataset": _DATASET, "deleteDataset": _DATASET},
    "createUpload": {
        "putUploadFile": _UPLOAD | {"filename": "files/0/filename"},
        "completeUpload": _UPLOAD,
        "getUpload": _UPLOAD,
        "deleteUpload": _UPLOAD,
    },
    "putUploadFile": {"completeUpload": _UPLOAD},
    "createApiKey": {"deleteApiKey": {"key_id": "key_id"}},
}

"""Pods, the chain of owners above them, and their requests for certificates, made by hand."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from casemate.core import pki
from support.operators import GATEWAY_SIDECAR, Api

Json = dict[str, Any]

SIGNER = "casemate.dev/gateway"
_GROUP = "/apis/certificates.k8s.io/v1"
_LABELS = {"casemate.dev/model-deployment": "m"}
_CONTAINERS = [{"name": "c", "image": "c"}]
_POD_SPEC = {"initContainers": [GATEWAY_SIDECAR], "containers": _CONTAINERS}


def owned_by(owner: Json | None) -> Json:
    """Metadata that names a controller, or none."""
    if owner is None:
        return {}
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    return {"ownerReferences": [reference]}


def replica_set(api: Api, namespace: str, owner: Json | None, name: str = "m-1") -> Json:
    """Makes a ReplicaSet as the Deployment controller would."""
    template = {"metadata": {"labels": _LABELS}, "spec": _POD_SPEC}
    return api.create(
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": name, "namespace": namespace, **owned_by(owner)},
            "spec": {"selector": {"matchLabels": _LABELS}, "template": template, "replicas": 0},
        }
    )


def pod(api: Api, namespace: str, name: str, owner: Json | None, account: str = "m-model") -> Json:
    """Makes a pod that wears the labels of deployment `m`."""
    meta = {"name": name, "namespace": namespace, "labels": _LABELS, **owned_by(owner)}
    spec = {**_POD_SPEC, "serviceAccountName": account}
    return api.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})


def plain_pod(
    api: Api, namespace: str, name: str, owner: Json | None = None, *, account: str
) -> Json:
    """Makes a pod of the system: of no deployment, and without a gateway."""
    meta = {"name": name, "namespace": namespace, **owned_by(owner)}
    spec = {"containers": _CONTAINERS, "serviceAccountName": account}
    return api.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})


def elliptic() -> ec.EllipticCurvePrivateKey:
    """A key of the accepted kind."""
    return ec.generate_private_key(ec.SECP256R1())


def stub(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """The signing request for a key, as a request for a certificate holds it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return base64.b64encode(signed).decode()


def forged(*hosts: str) -> str:
    """Certificate and key as PEM, for names of a gateway, by a CA that only is called like ours."""
    now, key = datetime.now(UTC), elliptic()
    authority = pki.Authority.create(now)
    leaf = pki.issue(authority, key.public_key(), hosts, now, timedelta(days=1))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pki.pem(leaf).decode() + secret.decode()


def request(
    api: Api,
    body: Json,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    *,
    signer: str = SIGNER,
    **spec: Any,
) -> Json:
    """Asks for a certificate for a pod, as its kubelet would."""
    namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
    asked = {
        "signerName": signer,
        "podName": name,
        "podUID": body["metadata"]["uid"],
        "serviceAccountName": body["spec"]["serviceAccountName"],
        "serviceAccountUID": "any",
        "nodeName": "node",
        "nodeUID": "any",
        "maxExpirationSeconds": 86_400,
        "stubPKCS10Request": stub(key),
        **spec,
    }
    document = {"metadata": {"name": f"for-{name}", "namespace": namespace}, "spec": asked}
    target = f"{_GROUP}/namespaces/{namespace}/podcertificaterequests"
    made: Json = api.client.request("POST", target, document)
    return made


def status(api: Api, asked: Json) -> Json:
    """The status of a request for a certificate as it is now."""
    meta = asked["metadata"]
    target = f"{_GROUP}/namespaces/{meta['namespace']}/podcertificaterequests/{meta['name']}"
    found: Json = api.client.request("GET", target).get("status", {})
    return found


def bundle_path() -> str:
    """Where clients find the gateways' CA."""
    return f"{_GROUP}/clustertrustbundles/casemate.dev:gateway:ca"

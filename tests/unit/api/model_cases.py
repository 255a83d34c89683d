"""Pairs for spec.model: name, supplier, images by digest, claims and paths."""

from unit.api.cases import ABSENT, DIGEST, IMAGE, SPEC, Pair, shown

_OCI = {"image": IMAGE}
_CLAIM = {"name": "weights", "path": "smollm2/model.gguf"}
_BY_DIGEST = "REGISTRY/REPOSITORY@sha256:<64 hex digits>, without tag or scheme"
_REQUIRED = "Required value"

MODEL = [
    Pair("no spec.model", "model", SPEC["model"], ABSENT, (_REQUIRED,)),
    Pair("no supplier", "model.supplier", "open-lab", ABSENT, (_REQUIRED,)),
    Pair("an upper-case supplier", "model.supplier", "open-lab", "Open-Lab",
         ('"Open-Lab"', "lower-case letters, digits and '-'")),
    Pair("a supplier ending in a dash", "model.supplier", "open-lab2", "open-lab-",
         ('"open-lab-"', "lower-case letters, digits and '-'")),
    Pair("a supplier that is too long", "model.supplier", "s" * 63, "s" * 64,
         ("Too long: may not be more than 63",)),
    Pair("an empty model name", "model.name", "s", "", ('""', "must be a model name of letters")),
    Pair("a model name with spaces", "model.name", "lab/Smol.LM-2", "lab/Smol LM",
         ('"lab/Smol LM"', "must be a model name of letters")),
    Pair("a model name with two slashes", "model.name", "lab/smol", "lab/smol/x",
         ('"lab/smol/x"', "at most one '/'")),
    Pair("a model name that is too long", "model.name", "s" * 128, "s" * 129,
         ("Too long: may not be more than 128",)),
    Pair("no source", "model.source", {"oci": _OCI}, {},
         ("needs exactly one of: oci, claim; found none",)),
    Pair("two sources", "model.source", {"claim": _CLAIM}, {"oci": _OCI, "claim": _CLAIM},
         ("needs exactly one of: oci, claim; found both",)),
]  # fmt: skip

IMAGES = [
    Pair(f"{what} as {where}", at, IMAGE, value, (shown(value), _BY_DIGEST))
    for where, at in (("weights", "model.source.oci.image"), ("the engine", "engine.image"))
    for what, value in {
        "a tag": "registry.enclave.local/models/smollm2:1.0",
        "neither tag nor digest": "registry.enclave.local/models/smollm2",
        "a tag beside the digest": f"registry.enclave.local/models/smollm2:1.0@sha256:{DIGEST}",
        "no registry": f"smollm2@sha256:{DIGEST}",
        "a short digest": f"registry.enclave.local/models/smollm2@sha256:{DIGEST[1:]}",
        "a digest in capitals": f"registry.enclave.local/models/smollm2@sha256:{DIGEST.upper()}",
        "another digest algorithm": f"registry.enclave.local/models/smollm2@sha512:{DIGEST}",
        "a URL": f"https://registry.enclave.local/models/smollm2@sha256:{DIGEST}",
        "an oci URL": f"oci://registry.enclave.local/models/smollm2@sha256:{DIGEST}",
        "user information": f"me:secret@registry.enclave.local/m@sha256:{DIGEST}",
        "a climbing repository": f"registry.enclave.local/../smollm2@sha256:{DIGEST}",
        "a query": f"registry.enclave.local/smollm2@sha256:{DIGEST}?x=1",
        "a line break": f"registry.enclave.local/smollm2@sha256:{DIGEST}\n",
    }.items()
]  # fmt: skip

CLAIMS = [
    Pair(f"{what} as claim", "model.source", {"claim": _CLAIM}, {"claim": _CLAIM | {"name": name}},
         (shown(name), "plain name of a PersistentVolumeClaim in this namespace"),
         "model.source.claim.name")
    for what, name in {
        "a claim of another namespace": "other/weights",
        "a URL": "nfs://server/weights",
        "a name in capitals": "Weights",
        "a name with an empty part": "weights..v2",
        "an empty name": "",
    }.items()
] + [
    Pair("a claim name that is too long", "model.source", {"claim": _CLAIM | {"name": "w" * 253}},
         {"claim": _CLAIM | {"name": "w" * 254}}, ("Too long: may not be more than 253",),
         "model.source.claim.name"),
    Pair("a claim without path", "model.source", {"claim": _CLAIM}, {"claim": {"name": "weights"}},
         (_REQUIRED,), "model.source.claim.path"),
    Pair("a namespace field in the claim", "model.source", {"claim": _CLAIM},
         {"claim": _CLAIM | {"namespace": "other"}}, ("unknown field",),
         "model.source.claim.namespace"),
]  # fmt: skip

PATHS = [
    Pair(f"{what} in the {source}", "model.source", {source: fields | {"path": "v2/a..b_c-1.gguf"}},
         {source: fields | {"path": path}}, (shown(path), "a relative path of letters, digits"),
         f"model.source.{source}.path")
    for source, fields in (("claim", _CLAIM), ("oci", _OCI))
    for what, path in {
        "an absolute path": "/model.gguf",
        "a climbing path": "../model.gguf",
        "a path that climbs later": "v2/../../model.gguf",
        "a path that ends climbing": "v2/..",
        "the folder itself": ".",
        "an empty part": "v2//model.gguf",
        "a trailing slash": "v2/",
        "an empty path": "",
        "a back-slash": "v2\\..\\model.gguf",
        "a variable": "$(HOME)/model.gguf",
        "a URL": "file:model.gguf",
        "a line break": "model.gguf\n",
        "an escape character": "model\x1b.gguf",
    }.items()
] + [
    Pair("a path that is too long", "model.source", {"oci": _OCI | {"path": "p" * 512}},
         {"oci": _OCI | {"path": "p" * 513}}, ("Too long: may not be more than 512",),
         "model.source.oci.path"),
]  # fmt: skip

PAIRS = [*MODEL, *IMAGES, *CLAIMS, *PATHS]

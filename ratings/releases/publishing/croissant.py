"""croissant.json: the release described in MLCommons' Croissant 1.0, which search engines and loaders read."""

from typing import Any

import pyarrow as pa

from ratings.releases.formats.columns import IMAGE
from ratings.releases.formats.registry import FORMATS

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def describe_release(manifest: dict[str, Any]) -> dict[str, Any]:
    """The description of a release: its Parquet tables are the record sets, everything else is a file."""
    tables = [kind for kind in manifest["rows"] if not FORMATS[kind].is_json]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": manifest["name"],
        "description": "Pictures made with diffusion models, and what people answered when asked which one they prefer "
        f"or how good one aspect is; from {manifest['site']}.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": "https://cdla.dev/permissive-2-0/",
        "url": f"urn:salon:release:{manifest['release']}",
        "version": "1.0.0",
        "datePublished": manifest["as_of"][:10],
        "citeAs": f"{manifest['name']}, {manifest['site']}, {manifest['as_of'][:4]}",
        "distribution": [_file_set(kind) for kind in tables],
        "recordSet": [_records(kind) for kind in tables],
    }


def _file_set(kind: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{kind}-files",
        "name": f"{kind}-files",
        "description": FORMATS[kind].title,
        "encodingFormat": "application/x-parquet",
        "includes": f"{kind}/*.parquet",
    }


def _records(kind: str) -> dict[str, Any]:
    fields = [_field(kind, column.name, column.type, column.meaning) for column in FORMATS[kind].columns]
    return {
        "@type": "cr:RecordSet",
        "@id": kind,
        "name": kind,
        "description": FORMATS[kind].title,
        "field": [_split(kind), *fields],
    }


def _split(kind: str) -> dict[str, Any]:
    """The split of a record, which is in the name of its file; rows of `pairs` are in unique splits once more."""
    return {
        "@type": "cr:Field",
        "@id": f"{kind}/split",
        "name": f"{kind}/split",
        "description": f"One of {', '.join(FORMATS[kind].splits)}.",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": f"{kind}-files"},
            "extract": {"fileProperty": "filename"},
            "transform": {"regex": r"^([a-z_]+)-\d+-of-\d+\.parquet$"},
        },
    }


def _field(kind: str, name: str, type_: pa.DataType, meaning: str) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{kind}/{name}",
        "name": f"{kind}/{name}",
        "description": meaning,
        "dataType": _type(type_),
        "source": {"fileSet": {"@id": f"{kind}-files"}, "extract": {"column": name}},
    }
    if type_ == IMAGE:
        field["source"]["transform"] = {"jsonPath": "bytes"}
    if pa.types.is_list(type_):
        field["repeated"] = True
    return field


def _type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return _type(type_.value_type)
    if type_ == IMAGE:
        return "sc:ImageObject"
    if pa.types.is_boolean(type_):
        return "sc:Boolean"
    if pa.types.is_integer(type_):
        return "sc:Integer"
    if pa.types.is_floating(type_):
        return "sc:Float"
    return "sc:Date" if pa.types.is_timestamp(type_) else "sc:Text"

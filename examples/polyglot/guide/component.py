"""The component's exports `resources` and `completions`: every function that `mcp.resource`
marks in `app`."""

import traceback

import app as app  # marks its functions
import mcp
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import completion_types, mcp_types, resource_types


class Resources(exports.Resources):
    def list_resources(self, request: int, cursor: str | None) -> resource_types.ResourceList:
        first_page(cursor)
        found = [resource for resource in mcp.RESOURCES if not resource.variables]
        return resource_types.ResourceList([entry(resource) for resource in found], None, None)

    def list_resource_templates(
        self, request: int, cursor: str | None
    ) -> resource_types.ResourceTemplateList:
        first_page(cursor)
        found = [template(resource) for resource in mcp.RESOURCES if resource.variables]
        return resource_types.ResourceTemplateList(found, None, None)

    def read_resource(self, request: int, uri: str) -> resource_types.ReadOutcome | None:
        try:
            found = mcp.read(uri)
        except ValueError as why:
            raise Err(mcp_types.Error(-32603, str(why), None)) from None
        except Exception as why:
            traceback.print_exc()
            raise Err(mcp_types.Error(-32603, f"{type(why).__name__}: {why}", None)) from None
        if found is None:
            return None
        body, mime_type = found
        contents = mcp_types.ResourceContents(uri, mime_type, body_of(body), None)
        result = resource_types.ReadResult([contents], None, None)
        return resource_types.ReadOutcome_Complete(result)


class Completions(exports.Completions):
    def complete(
        self,
        request: int,
        reference: completion_types.CompletionReference,
        argument: completion_types.CompletionArgument,
        context: list[tuple[str, str]],
    ) -> completion_types.Completion | None:
        if isinstance(reference, completion_types.CompletionReference_ResourceTemplate):
            for resource in mcp.RESOURCES:
                if resource.uri == reference.value:
                    values = resource.values.get(argument.name, list)
                    return completion(list(values()), argument.value)
        return None


def entry(resource: mcp.Resource) -> mcp_types.ResourceInfo:
    return mcp_types.ResourceInfo(
        uri=resource.uri,
        name=resource.name,
        title=None,
        description=resource.description,
        mime_type=resource.mime_type,
        size=None,
        annotations=None,
        icons=[],
        meta=None,
    )


def template(resource: mcp.Resource) -> resource_types.ResourceTemplate:
    return resource_types.ResourceTemplate(
        uri_template=resource.uri,
        name=resource.name,
        title=None,
        description=resource.description,
        mime_type=resource.mime_type,
        annotations=None,
        icons=[],
        meta=None,
    )


def body_of(body: mcp.Body) -> mcp_types.ResourceBody:
    if isinstance(body, str):
        return mcp_types.ResourceBody_Text(body)
    return mcp_types.ResourceBody_Blob(body)


def completion(values: list[str], typed: str) -> completion_types.Completion:
    """Those of the values that begin with what was typed."""
    fitting = [value for value in values if value.startswith(typed)]
    return completion_types.Completion(fitting, len(fitting), False)


def first_page(cursor: str | None) -> None:
    """Lists have one page, which is asked for without a cursor."""
    if cursor is not None:
        raise Err(mcp_types.Error(-32602, "the list has one page, without a cursor", None))

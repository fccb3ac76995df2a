"""A small pydantic, in Python alone. The real one needs native code, which a component does not
have. What is not here fails on import with a sentence."""

from typing import Annotated, Any, Generic, TypeVar

from spin_mcp.hints import Invalid, Parser, Schema, plain
from spin_mcp.models import BaseModel as BaseModel
from spin_mcp.models import Field as Field
from spin_mcp.models import PrivateAttr as PrivateAttr
from spin_mcp.models import RootModel as RootModel
from spin_mcp.models import ValidationError as ValidationError
from spin_mcp.models import ValidationInfo as ValidationInfo
from spin_mcp.models import field_validator as field_validator
from spin_mcp.models import model_validator as model_validator

T = TypeVar("T")
ConfigDict = dict


class BeforeValidator:
    """`Annotated[int, BeforeValidator(f)]`"""

    def __init__(self, before: Any) -> None:
        self.before = before


class AfterValidator:
    """`Annotated[int, AfterValidator(f)]`"""

    def __init__(self, after: Any) -> None:
        self.after = after


class AnyUrl(str):
    """A URL, which is a text here."""

    json_format = "uri"


AnyHttpUrl = HttpUrl = AnyUrl


class EmailStr(str):
    """A mail address, which is a text here."""

    json_format = "email"


class SecretStr(str):
    def get_secret_value(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return "SecretStr('**********')"


PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]


class TypeAdapter(Generic[T]):
    """Checks and describes values of any type."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def validate_python(self, value: Any) -> T:
        try:
            found: T = Parser(lax=True).parse(self.of, value)
        except Invalid as why:
            raise ValidationError(why.path, why.why) from None
        return found

    def dump_python(self, value: Any, **_: Any) -> Any:
        return plain(value)

    def json_schema(self, **_: Any) -> dict[str, Any]:
        return Schema().root(self.of)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        f"`pydantic.{name}` is not part of a component: pydantic needs native code, and the SDK's own "
        "has models, fields, `field_validator` and `model_validator`; use a dataclass or plain Python"
    )

"""What every message of the wire is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

AudioPath = Annotated[str, Field(min_length=1, max_length=4096, description="Absolute path of an audio file")]


class Message(BaseModel):
    """A JSON object without keys that nobody knows: a typing mistake must not pass as a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

"""The commands as typer has them, with help that is written as every other result is.

Must never import textual, torch or transformers.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from core.records.errors import PlaygroundError
from tui.cli.parsing.sentences import which_command
from tui.cli.streams import emit


class Command(TyperCommand):
    """A command whose ``--help`` says so where it cannot be written."""

    def get_help_option(self, ctx: Any) -> Any:  # noqa: ANN401 - typer hides its types
        """Return the option ``--help``; see ``TyperCommand``."""
        return _written_as_a_result(super().get_help_option(ctx))


class Commands(TyperGroup):
    """The commands, which are named where another one is asked for."""

    def get_help_option(self, ctx: Any) -> Any:  # noqa: ANN401 - typer hides its types
        """Return the option ``--help``; see ``TyperGroup``."""
        return _written_as_a_result(super().get_help_option(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer hides its types
        """Return what ``args`` begin with; see ``TyperGroup``.

        Raises:
            PlaygroundError: There is no such command.
        """
        if args[0] not in self.commands:
            raise PlaygroundError(
                f"there is no command {args[0]!r}; {which_command(args[0], list(self.commands))}"
            )
        return super().resolve_command(ctx, args)


def _written_as_a_result(option: Any) -> Any:  # noqa: ANN401
    def show(context: Any, _option: Any, is_wanted: bool) -> None:  # noqa: ANN401
        if is_wanted and not context.resilient_parsing:
            emit(context.get_help() + "\n")
            raise typer.Exit

    if option is not None:
        option.callback = show
    return option

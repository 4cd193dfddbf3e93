"""Languages of the pages: gettext catalogues, read as they are written."""

from __future__ import annotations

import gettext
import io
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

_LOCALE = Path(__file__).parent / "locale"
_DEFAULT = "en"


class Languages:
    """English, and every catalogue in locale/."""

    def __init__(self) -> None:
        self.names = {"en": "English", "de": "Deutsch"}
        self._translations: dict[str, gettext.NullTranslations] = {_DEFAULT: gettext.NullTranslations()}
        for path in sorted(_LOCALE.glob("*/microcue.po")):
            with path.open("rb") as file:
                catalogue = read_po(file, locale=path.parent.name)
            compiled = io.BytesIO()
            write_mo(compiled, catalogue)
            compiled.seek(0)
            self._translations[path.parent.name] = gettext.GNUTranslations(compiled)

    def translations(self, language: str) -> gettext.NullTranslations:
        """The catalogue of a language that there is."""
        return self._translations[language]

    def chosen(self, wanted: str | None, accepted: str | None) -> str:
        """What the reader chose, else the first that the browser asks for and that there is."""
        if wanted in self._translations:
            return str(wanted)
        for part in (accepted or "").split(",")[:8]:
            language = part.partition(";")[0].strip().lower().partition("-")[0]
            if language in self._translations:
                return language
        return _DEFAULT

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Text lines as a scanner would see them: public-domain text, printed, lightly noised.

The text is the King James Bible of Debian's `bible-kjv`. The rule that picks
the lines leaves no room for choice: of LINE_COUNT lines, line i begins at verse
floor(i * verses / LINE_COUNT) and takes whole words for as long as they fit.
The first CALIBRATION_COUNT lines calibrate, the others are held out.
"""

import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LINE_COUNT = 12
CALIBRATION_COUNT = 7

# The recogniser reads images of height 48 and makes one token of 8 columns:
# 4096 columns are the 512 tokens that the compiled model is written for.
HEIGHT = 48
WIDTH = 4096
MARGIN = 16
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf")
FONT_SIZE = 32
NOISE_DEVIATION = 4.0  # grey levels of 255


@dataclass(frozen=True)
class TextLine:
    number: int
    text: str

    @property
    def held_out(self) -> bool:
        return self.number >= CALIBRATION_COUNT

    @cached_property
    def image(self) -> np.ndarray:
        """The printed line, uint8 grey levels, HEIGHT x WIDTH; the same on every run."""
        page = Image.new("L", (WIDTH, HEIGHT), color=255)
        ImageDraw.Draw(page).text(
            (MARGIN, HEIGHT // 2), self.text, font=_font(), fill=0, anchor="lm"
        )
        noise = np.random.default_rng(self.number).normal(
            0, NOISE_DEVIATION, (HEIGHT, WIDTH)
        )
        return np.clip(np.rint(np.asarray(page) + noise), 0, 255).astype(np.uint8)


def text_lines() -> list[TextLine]:
    verses = _verses()
    starts = (number * len(verses) // LINE_COUNT for number in range(LINE_COUNT))
    return [
        TextLine(number, _fill_line(verses[start:]))
        for number, start in enumerate(starts)
    ]


def _verses() -> list[str]:
    """Every verse in order, without its reference ("Ge1:1 In the ...")."""
    program = shutil.which("bible")
    if not program:
        raise FileNotFoundError(
            "the `bible` program is missing; install Debian's bible-kjv and bible-kjv-text"
        )
    # -f: one verse a line, unbroken; -p: not a data file of the current folder.
    printed = subprocess.run(
        [program, "-f", "-p", "/usr/lib", "gen1:1-rev22:21"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [line.split(" ", maxsplit=1)[1] for line in printed.splitlines()]


def _fill_line(verses: list[str]) -> str:
    """Whole words from the front of `verses`, as many as one line holds."""
    line = ""
    for verse in verses:
        for word in verse.split():
            longer = f"{line} {word}" if line else word
            if _font().getlength(longer) > WIDTH - 2 * MARGIN:
                return line
            line = longer
    raise ValueError("the text ends before the line is full")


def _font() -> ImageFont.FreeTypeFont:
    if not FONT.exists():
        raise FileNotFoundError(
            f"{FONT} is missing; install Debian's fonts-dejavu-core"
        )
    # The default engine depends on what the machine happens to have installed, and
    # with it the last pixel and the last decibel.
    return ImageFont.truetype(
        FONT, FONT_SIZE, layout_engine=ImageFont.Layout.BASIC
    )

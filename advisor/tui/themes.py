"""The two themes. Calm: one accent, grey text for what explains, colour only where something must be seen.

Status is never told by colour alone: a glyph and a word go with it.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="advisor-dark",
    primary="#7AA7E8",
    secondary="#8FB8A8",
    accent="#D8A657",
    success="#7FBF8E",
    warning="#DDB05C",
    error="#E88080",
    foreground="#DCDEE3",
    background="#14161B",
    surface="#1A1D24",
    panel="#222630",
    dark=True,
    variables={
        "footer-key-foreground": "#D8A657",
        "border": "#3A4150",
        "block-cursor-text-style": "none",
        "block-cursor-background": "#31507A",
        "block-cursor-foreground": "#FFFFFF",
        "block-cursor-blurred-background": "#262B36",
        "scrollbar": "#3A4150",
        "scrollbar-background": "#14161B",
        "scrollbar-background-hover": "#14161B",
        "scrollbar-background-active": "#14161B",
    },
)
LIGHT = Theme(
    name="advisor-light",
    primary="#1F5FAF",
    secondary="#2F6F60",
    accent="#8A5A00",
    success="#1B7043",
    warning="#8A5A00",
    error="#B3261E",
    foreground="#1E2128",
    background="#FBFAF7",
    surface="#F4F2EC",
    panel="#E9E6DD",
    dark=False,
    variables={
        "footer-key-foreground": "#8A5A00",
        "border": "#B9B4A6",
        "block-cursor-text-style": "none",
        "block-cursor-background": "#C6D9F1",
        "block-cursor-foreground": "#14161B",
        "block-cursor-blurred-background": "#DCD8CC",
        "scrollbar": "#C4BFB1",
        "scrollbar-background": "#FBFAF7",
        "scrollbar-background-hover": "#FBFAF7",
        "scrollbar-background-active": "#FBFAF7",
    },
)

"""The terminal app. Importing this costs nothing; `advisor.tui.app` brings Textual.

    advisor                # opens it
    python -m advisor.tui  # the same, without the command line

    app.py       themes, keys, screens, the command palette, the one fan-out of run events
    session.py   what is open: folder, project, draft, prepared plan, run, feed
    feed.py      the run under way: one task over the orchestrator's iterator
    actions.py   every action once: key, title, sentence; feeds footer, palette and help
    frame.py     the base of every screen: steps above, keys below, help, the notice where the window is too small
    plain.py     the one way that foreign text enters a widget
    aside.py     work that blocks, and imports, off the screen's loop
    opening.py   on this terminal, or for a browser         keys.py, themes.py   the user's own keys; light and dark
    dialogs.py, asking.py, browsing.py, dials.py            the small windows above a screen
    screens/     one step each, with a .tcss beside it      widgets/   what screens are made of

The app holds no logic of its own: what is computed is computed by advisor, baselines or reports.
"""

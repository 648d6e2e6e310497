"""How to read what each page shows, in names and meanings.

Must never name a key that the table of actions has: keys are read from there.
"""

from __future__ import annotations

from collections.abc import Sequence

Section = tuple[str, Sequence[tuple[str, str]]]
"""A title, and names with their meanings."""

TABLE: Section = (
    "What the model weighed",
    (
        ("▸", "the token that was chosen"),
        ("∎", "in the document: a special token, such as the end of a text; “why” names it"),
        ("raw", "the probability that the model itself gave it"),
        ("final", "the probability that it was chosen with, after the preset's settings"),
        ("top_p, top_k …", "the setting that cut it: its final probability is nothing"),
        ("#17", "the rank of a chosen token that is not among the five likeliest"),
        ("the rest", "what all the other tokens have together"),
        (
            "surprisal",
            "how unlikely the chosen token was: 1 bit is a coin's toss, 10 bits 1 in 1,024",
        ),
        (
            "entropy",
            "how undecided the model was: 0 bits is certain, 3 bits like a choice among 8",
        ),
        ("drawn from 12", "how many tokens the settings left to choose from"),
        ("· ⏎ ⇥ \\x1b", "a space, a newline, a tab, a control character"),
    ),
)
DICE: Section = (
    "The dice",
    (
        ("it wins", "the share of all draws that the token wins: its final probability"),
        ("its luck", "among the best 1 % means: one draw in a hundred is as lucky as its own was"),
        ("it needed", "how lucky it had to be to come before all others; the best 100 %: any draw"),
        ("next in this race", "what a slightly worse draw of the winner would have brought"),
        ("the favourite", "the likeliest token, where another one won, and how unlucky it was"),
        ("F1 F3–F8", "the presets that would choose this token, with these dice where they draw"),
    ),
)
BEAMS: Section = (
    "Beams",
    (
        ("#", "rank: beams are texts that grow side by side, the likeliest first"),
        ("Σ log p", "the sum of the log-probabilities of a beam's tokens; nearer to 0 is likelier"),
        ("←2", "this beam grew out of the one that was second a step before"),
        ("✓ ✗", "a beam that has ended; a beam that was given up, and why"),
        (
            "too far behind",
            "not among the best 2 × num_beams of all beams' tokens; behind, for short",
        ),
        ("outscored by", "how much its sum was short of the last beam that lives on"),
        (
            "goes on, over",
            "why: fewer have ended than there are beams, or the best may still pass the last one",
        ),
        ("greedy leaves it", "where the likeliest token is not that of the text that won"),
        (
            "length_penalty 2",
            "which text another one would have ranked first, of those that ended in this search",
        ),
        ("text", "the document shows the best beam, so it may change while the search runs"),
    ),
)
_SCRUB: Section = (
    "What is shown",
    (
        (
            "settings",
            "applied to what the model weighed when it wrote this run, with the same dice",
        ),
        (
            "first divergence",
            "certain; what follows is hypothetical: the model would have read another text by then",
        ),
    ),
)
_COLUMNS: Section = (
    "What is shown",
    (
        ("baseline", "the first column: the others are held against it"),
        ("dimmed", "what the baseline says as well"),
        ("▸", "where a column parts from it; below its text stands why"),
        ("the other side of the dice", "the same draw, but the settings have moved the chances"),
        ("bits", "the entropy of each step, the newest at the right; 6 bits fill a block"),
        ("log p, perplexity", "of the text under the model itself, before any setting"),
        ("distinct-1, -2", "how many of its tokens, and of their pairs, are different ones"),
        ("rep-4", "how often four tokens in a row stood in the text before"),
    ),
)
_SCORE: Section = (
    "What is shown",
    (
        ("bits", "what each token cost: 1 bit is a coin's toss, 10 bits 1 in 1,024"),
        ("presets", "whether each could have written the text, else the first token it forbids"),
    ),
)
_OUTLOOK: Section = (
    "What is shown",
    (
        (
            "all %",
            "how likely the text is, from here to this token: the product of final probabilities",
        ),
        ("step %", "how likely the token is behind what stands above it"),
        ("depth", "how many tokens texts have at the most"),
        ("least", "less likely texts are left out: “… others” is what they are together"),
        ("covered", "how much of all that could be written is shown, up to so many tokens"),
        ("◌", "nobody has looked yet what follows"),
        ("∎ ■", "the text ends here, by an end of text or by a stop string, a length, the context"),
        ("the settings", "as for a run that begins here: what they cut is not there"),
        ("beams", "are ignored: each text is weighed by itself, as without num_beams"),
        (
            "greedy",
            "writes the first one always; the figures are those that a draw would have",
        ),
    ),
)

_PRESETS: Section = (
    "What is shown",
    (
        ("none, false …", "what transformers does where a preset says nothing"),
        ("top_p, top_k …", "the setting that cuts the token there"),
        ("→", "the token that these settings would choose, with the run's own dice"),
        ("▸", "the token that was chosen"),
        ("num_beams", "a search with beams is told as of a single text: it weighs whole texts"),
    ),
)
_WHOLE_SEARCH: Section = (
    "What is shown",
    (
        ("a row", "a piece of text in which all beams agree that hold what stands above it"),
        ("Σ log p", "the sum up to the piece's end, from the first token of the search on"),
        ("steps", "the steps at which the search held it"),
        ("◆", "a piece of the text that won"),
    ),
)

ABOUT: dict[str, tuple[Section, ...]] = {
    "the main page": (TABLE, DICE, BEAMS),
    "why this token": (TABLE, DICE),
    "why these beams": (BEAMS,),
    "the whole search": (_WHOLE_SEARCH, BEAMS),
    "scrubbing": (_SCRUB,),
    "two presets": (_PRESETS,),
    "side by side": (_COLUMNS, TABLE),
    "scoring": (_SCORE,),
    "what could be said": (_OUTLOOK,),
}
"""What is told behind the keys, by pages."""

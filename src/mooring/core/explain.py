"""Why no host will do, in sentences: in counts for the owner, host by host for an admin.

The first sentence is Nova's, because clients and their users look for it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from mooring.core.words import counted
from mooring.model.request import Shortage

NO_VALID_HOST = "No valid host was found."
#: Nova's column ``instance_faults.message``.
FAULT_MESSAGE_CHARS_MAX = 255
FAULT_DETAILS_CHARS_MAX = 16_000
NUMBERS_SHOWN_MAX = 3


def fault_message(shortages: Iterable[Shortage], nearest: str = "") -> str:
    """One line without host names, the commonest cause first, no longer than ``FAULT_MESSAGE_CHARS_MAX``.

    ``nearest`` is the nearest miss, told behind it where there is room.

    ``No valid host was found. 3 hosts: 2 have no free VF on physnet1 (16 of 16 in use), 1 has free VFs on physnet2
    only.`` Hosts with one cause and different numbers are counted together.
    """
    told = tuple(shortages)
    if not told:
        return f"{NO_VALID_HOST} There are no hosts."
    start = f"{NO_VALID_HOST} {counted(len(told), 'host')}: "
    text = start + _fitted(_causes(told), FAULT_MESSAGE_CHARS_MAX - len(start))
    whole = f"{text} {_sentence(nearest)}"
    return whole if nearest and len(whole) <= FAULT_MESSAGE_CHARS_MAX else text


def fault_details(shortages: Iterable[Shortage], nearest: str = "") -> str:
    """The nearest miss, then a line for each host, by name, no longer than ``FAULT_DETAILS_CHARS_MAX``.

    For admins only.
    """
    lines = [_sentence(nearest)] if nearest else []
    lines += [f"{shortage.host}: {shortage.text}" for shortage in sorted(shortages, key=lambda s: (s.host, s.text))]
    length = 0
    shown: list[str] = []
    for line in lines:
        length += len(line) + 1
        if length > FAULT_DETAILS_CHARS_MAX - len(_more(len(lines))):
            return "\n".join([*shown, _more(len(lines) - len(shown))])
        shown.append(line)
    return "\n".join(shown)


def _causes(shortages: Sequence[Shortage]) -> list[tuple[int, str]]:
    """(how many hosts, what they have), commonest first."""
    numbers: dict[str, Counter[str]] = {}
    for shortage in shortages:
        cause, tail = _split_numbers(shortage.summary)
        numbers.setdefault(cause, Counter())[tail] += 1
    causes = [(sum(counts.values()), cause + _numbers(counts)) for cause, counts in numbers.items()]
    return sorted(causes, key=lambda entry: (-entry[0], entry[1]))


def _split_numbers(summary: str) -> tuple[str, str]:
    """The cause, and the numbers that stand in brackets at its end; a summary of several causes stays whole."""
    if summary.count("(") != 1 or not summary.endswith(")"):
        return summary, ""
    cause, _, tail = summary.removesuffix(")").partition(" (")
    return cause, tail


def _numbers(counts: Counter[str]) -> str:
    """The bracketed numbers of hosts with one cause; left out when they differ too much to be read."""
    variants = sorted(counts, key=lambda text: (-counts[text], text))
    if len(variants) > NUMBERS_SHOWN_MAX or "" in variants:
        return ""
    return f" ({'; '.join(variants)})"


def _fitted(causes: Sequence[tuple[int, str]], chars_max: int) -> str:
    """As many causes as fit, then how many hosts are left; always at least something of the commonest."""
    parts = [f"{count} {'has' if count == 1 else 'have'} {cause}" for count, cause in causes]
    for shown in range(len(parts), 0, -1):
        left = sum(count for count, _ in causes[shown:])
        text = ", ".join([*parts[:shown], *([_more(left)] if left else [])]) + "."
        if len(text) <= chars_max:
            return text
    return parts[0][: chars_max - 1].rstrip() + "…"


def _more(hosts: int) -> str:
    return f"and {counted(hosts, 'more host')}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."

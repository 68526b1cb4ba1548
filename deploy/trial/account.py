"""What a trial says in the end: pieces sold against pieces acknowledged, key by key, and what came of it as an exit code."""
import collections
import enum


class Verdict(enum.IntEnum):
    """The exit code of deploy/try."""
    KEPT = 0
    BROKEN = 1  # lost, executed twice, never answered, not recovered; of the control: lost, and nothing else
    COULD_NOT_RUN = 2


class Account:
    """`sales`: what clients were told; `unanswered`: keys that they gave up."""

    def __init__(self, sales, unanswered):
        self.keys = collections.Counter(sale.key for sale in sales)
        self.quantities = {sale.key: sale.quantity for sale in sales}
        self.acknowledged = sum(sale.quantity for sale in sales)
        self.lines, self.good, self.lost = [], True, 0
        self.judge(not unanswered, f"{len(self.keys)} keys acknowledged, {len(unanswered)} never")

    def judge(self, fine, text):
        self.good = self.good and fine
        self.lines.append(f"{'ok  ' if fine else 'LOST'}  {text}")

    def database(self, name, sold, entries):
        """`sold`: pieces, by the stock. `entries`: how many audit entries of a sale each key has."""
        lost, twice = self.keys.keys() - entries.keys(), [key for key, count in entries.items() if count > 1]
        self.lost = max(self.lost, len(lost))
        there = sum(self.quantities[key] for key in self.keys.keys() & entries.keys())
        self.judge(sold == self.acknowledged == there and entries == self.keys,
                   f"database of {name}: {sold} pieces sold, {self.acknowledged} acknowledged; {sum(entries.values())} audit entries "
                   f"for {len(self.keys)} acknowledged keys; {len(lost)} acknowledged writes lost, {len(twice)} executed twice")

    def verdict(self, control=False):
        """Of a control only lost writes count: whatever else goes wrong with it does not show that losses are seen."""
        if control:
            return Verdict.BROKEN if self.lost else Verdict.KEPT if self.good else Verdict.COULD_NOT_RUN
        return Verdict.KEPT if self.good else Verdict.BROKEN

    @property
    def text(self):
        return "\n".join(self.lines)

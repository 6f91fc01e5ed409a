"""Pages of a machine that shares its ledger with others: they are made from the ledger, so each machine writes its own.

A run writes the page into the home of its machine. A site in another home writes it too, when somebody asks for a page
and the ledger has grown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from perennial.ledger.ends import ends
from perennial.settings import Settings
from perennial.store.at_work import at_work_since
from perennial.store.workspace import Workspace
from perennial.usecase.reading import list_use_cases


@dataclass
class FreshPages:
    """The pages of a site, whose requests come in several threads."""

    where: Settings
    _seen: dict[str, tuple[int, str]] = field(default_factory=dict)
    _one: Lock = field(default_factory=Lock)

    def renew(self) -> None:
        """Write the pages that are behind the ledger, but none of a use case whose run is at work: it is not over.

        A page that cannot be written is reported in the site's log and stays as it was. Raises PerennialError if the
        ledger does not answer.
        """
        workspace = Workspace(self.where)
        if not workspace.is_shared:
            return
        with self._one:
            now, declared = ends(workspace.ledger), set(list_use_cases(self.where.usecases))
            grown = [each for each in sorted(declared & set(now)) if self._seen.get(each) != now[each]]
            over = [each for each in grown if at_work_since(self.where, workspace.ledger, each) is None]
            if over:
                from tasks.page import renew_pages

                renew_pages.fn(over)
                self._seen |= {each: now[each] for each in over}

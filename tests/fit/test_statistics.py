"""What a search cost includes what the layouts cost that were refuted."""

from archs import discover
from bitspec.solver import Solver
from bitspec.vocabulary import Level
from proofs.fit.question import ask
from proofs.fit.search import Search


def test_every_query_is_counted(monkeypatch) -> None:
    asked = []
    model = Solver._model

    def counted(self, *args):
        asked.append(self)
        return model(self, *args)

    monkeypatch.setattr(Solver, "_model", counted)
    search = Search(ask(discover.layout("powerpc"), Level.PTE, ["uffd_wp@swap", "offset:50"], move=["swap"]), discover.known("powerpc"))
    assert next(search.answers(), None) is not None
    assert search.tried > 1
    assert search.figures["z3 queries of the search"] + search.figures["z3 queries of the claims"] == len(asked)

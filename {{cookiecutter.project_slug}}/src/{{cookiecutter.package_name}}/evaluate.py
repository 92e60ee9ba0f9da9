"""Stage 4: measure the champion on the test rows, which no other stage opens."""

import sys

from lockstep import (
    Model,
    Project,
    Report,
    measure,
    measure_subgroups,
    predict_all,
    run_stage,
    write_json,
)

from . import features, metrics, models  # noqa: F401 - params.yaml and the champion name what is in them


def evaluate(project: Project) -> None:
    """Write the metrics with their intervals, and the report that shows and explains them."""
    params = project.params
    champion, baseline = (
        Model.load(project.require(path), project.name(path))
        for path in (project.champion, project.baseline)
    )
    test = project.table(project.test)

    # Both are measured on the same bootstrap resamples, so that what is hard for both cancels out.
    rows, (outcome, baseline_outcome) = predict_all(test, champion, baseline)
    scores = measure(params, outcome, baseline_outcome)
    scores["subgroups"] = measure_subgroups(params, champion.contract, rows, outcome)

    report = Report(project, champion, test, rows, outcome, baseline_outcome, scores)
    for line in report.warnings():
        print(f"evaluate: {line}", file=sys.stderr)
    write_json(scores, project.metrics)
    report.write()
    print(report.scores())
    for line in report.summary():
        print(f"evaluate: {line}")


if __name__ == "__main__":
    run_stage(evaluate)

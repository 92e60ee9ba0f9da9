"""Stage 3: compare the candidates on validation rows, then fit the champion on all train rows."""

from lockstep import (
    Leaderboard,
    Model,
    Project,
    TrainRows,
    cross_validate,
    learning_curve,
    make_candidate,
    make_features,
    make_folds,
    make_problem,
    make_profile,
    run_stage,
    warn_of_rare_classes,
    write_csv,
    write_json,
)
from sklearn.pipeline import make_pipeline

from . import features, metrics, models  # noqa: F401 - params.yaml names what is in them


def train(project: Project) -> None:
    """Write the champion, the baseline that it is measured against, and why it was chosen."""
    params, contract = project.params, project.examples
    # A candidate is the recipe of `features` and an estimator; both learn within each fold only.
    problem = make_problem(params, contract)
    candidates = {
        name: make_pipeline(
            make_features(name, params, contract), make_candidate(name, options, problem)
        )
        for name, options in params.train.candidates.items()
    }

    rows = TrainRows.load(project)  # all, or a sample of `train.max_rows_in_memory`
    folds = make_folds(rows.table, contract, params)  # as the test rows were set apart
    warn_of_rare_classes(rows, folds)
    leaderboard = Leaderboard(params)
    for name, validation in cross_validate(candidates, rows, folds):
        leaderboard.add(name, validation)
    champion = leaderboard.choose()  # the best mean of `train.metric`; ties go to the earlier one

    # What its validation rows teach about using each: when to say yes, how far a number may be off.
    rules = leaderboard.postprocessing
    sizes = learning_curve(champion, candidates[champion], rows, folds, rules[champion])
    fitted, baseline = (rows.fit(name, candidates[name]) for name in (champion, "baseline"))
    Model(baseline, "baseline", params.kind, contract, rules["baseline"]).save(project.baseline)
    model = Model(fitted, champion, params.kind, contract, rules[champion])
    # What its rows and predictions are like now, which `monitor` holds later ones against.
    model.save(project.champion, make_profile(model, rows, folds, leaderboard.outcomes[champion]))
    write_csv(leaderboard.table, project.leaderboard)
    write_json(leaderboard.figures, project.validation)
    write_csv(leaderboard.history, project.history)
    write_csv(sizes, project.training_sizes)
    print(f"train: champion is {champion} -> {project.name(project.champion)}")


if __name__ == "__main__":
    run_stage(train)

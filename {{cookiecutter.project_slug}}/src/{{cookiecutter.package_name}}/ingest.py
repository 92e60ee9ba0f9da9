"""Stage 1: read the raw files by the contract and set aside what breaks it."""

from lockstep import Project, check_raw, run_stage, write_json


def ingest(project: Project) -> None:
    """Write the rows that keep the contract, and apart from them those that do not."""
    raw = check_raw(project)
    with project.writers(project.dataset, project.rejected) as (dataset, rejected):
        for batch in raw:
            dataset.write(batch.accepted)
            rejected.write(batch.rejected)
    write_json(raw.report(), project.ingest_report)
    for line in raw.summary():
        print(f"ingest: {line}")


if __name__ == "__main__":
    run_stage(ingest)

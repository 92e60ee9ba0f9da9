"""What every stage needs: settings, contract, tables on disk, and how results are written."""

"""The command line: `dagames solve | table | pareto | verify | figures | report`."""

-- Run once by the PostgreSQL container, which has made the database `ledger` before.
CREATE DATABASE mlflow;
CREATE DATABASE prefect;

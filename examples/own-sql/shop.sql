-- Runs once before the load. The first customers have already paid, with negative keys: keys of a run start at 1.
CREATE TABLE customers (id int PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE payments (
  id bigint PRIMARY KEY,
  customer int NOT NULL REFERENCES customers,
  cents int NOT NULL
);
INSERT INTO customers SELECT i, 0 FROM generate_series(1, 1000) AS i;
INSERT INTO payments SELECT -i, i, 100 FROM generate_series(1, 1000) AS i;

/// The words of SQL that are completed and inspected, with a line of help for those that begin something.
enum Keywords {
  static let help: [String: String] = [
    "SELECT":
      "SELECT columns FROM tables [WHERE condition] [GROUP BY ...] [HAVING ...] [ORDER BY ...] [LIMIT n]",
    "INSERT":
      "INSERT INTO table [(columns)] VALUES (...), ... | SELECT ... [ON CONFLICT ...] [RETURNING ...]",
    "UPDATE": "UPDATE table SET column = value, ... [FROM ...] [WHERE condition] [RETURNING ...]",
    "DELETE": "DELETE FROM table [WHERE condition] [RETURNING ...]",
    "CREATE": "CREATE TABLE | VIEW | INDEX | TRIGGER | ... name ...",
    "ALTER": "ALTER TABLE name ADD COLUMN ... | DROP COLUMN ... | RENAME TO ...",
    "DROP": "DROP TABLE | VIEW | INDEX | TRIGGER | ... [IF EXISTS] name",
    "WITH": "WITH [RECURSIVE] name AS (SELECT ...), ... SELECT ...",
    "JOIN": "table [INNER | LEFT | RIGHT | FULL | CROSS] JOIN table ON condition | USING (columns)",
    "CASE": "CASE [value] WHEN ... THEN ... [ELSE ...] END",
    "CAST": "CAST (value AS type)",
    "BEGIN": "BEGIN: start a transaction; end it with COMMIT or ROLLBACK",
    "COMMIT": "COMMIT: keep what the transaction did",
    "ROLLBACK": "ROLLBACK [TO savepoint]: undo what the transaction did",
    "EXPLAIN": "EXPLAIN [QUERY PLAN | ANALYZE] statement: how the statement is, or was, run",
    "OVER": "function(...) OVER ([PARTITION BY ...] [ORDER BY ...] [frame]): a window function",
    "UNION": "query UNION [ALL] query: the rows of both, without or with duplicates",
    "VALUES": "VALUES (...), ...: rows of constants",
  ]

  static let all: Set<String> = Set(list)

  static let list: [String] = """
    ADD ALL ALTER ANALYZE AND AS ASC ATTACH BEGIN BETWEEN BY CASCADE CASE CAST CHECK COALESCE COLLATE COLUMN COMMIT CONFLICT
    CONSTRAINT COPY CREATE CROSS CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATABASE DEFAULT DELETE DESC DESCRIBE
    DETACH DISTINCT DO DROP ELSE END ESCAPE EXCEPT EXISTS EXPLAIN EXTRACT FALSE FETCH FILTER FIRST FOLLOWING FOR FOREIGN FROM
    FULL FUNCTION GRANT GREATEST GROUP HAVING IF ILIKE IN INDEX INNER INSERT INTERSECT INTERVAL INTO IS JOIN KEY LAST LATERAL
    LEAST LEFT LIKE LIMIT MATERIALIZED NATURAL NOT NOTHING NULL NULLIF NULLS OFFSET ON OR ORDER OUTER OVER PARTITION PRAGMA
    PRECEDING PRIMARY QUERY RANGE RECURSIVE REFERENCES REINDEX RELEASE RENAME REPLACE RESTRICT RETURNING REVOKE RIGHT
    ROLLBACK ROW ROWS SAVEPOINT SCHEMA SELECT SEQUENCE SET SHOW TABLE TEMPORARY THEN TO TRANSACTION TRIGGER TRUE
    TRUNCATE UNBOUNDED UNION UNIQUE UPDATE USING VACUUM VALUES VIEW WHEN WHERE WINDOW WITH WITHOUT
    """.split(whereSeparator: \.isWhitespace).map(String.init)
}

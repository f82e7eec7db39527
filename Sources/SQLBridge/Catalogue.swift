/// Tables, views and columns, as a database's own catalogue has them at the moment.
struct Catalogue {
  struct Relation: Equatable {
    var schema: String
    var name: String
    var kind: String
    /// Whether its name is found without the schema.
    var isVisible: Bool

    /// Whether it is of the catalogue itself, which is shown to those alone who ask for it.
    var isSystem: Bool { ["pg_catalog", "information_schema"].contains(schema) }
  }

  struct Column: Equatable {
    var name: String
    var type: String
    var isNullable: Bool
    var defaultValue: String?
    /// Such as `primary key`.
    var note: String
  }

  let driver: any Driver

  func relations() throws(SQLFailure) -> [Relation] {
    let sql =
      switch driver.dialect {
      case .sqlite:
        """
        SELECT schema, name, type, 1 FROM pragma_table_list
        WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND type IN ('table', 'view', 'virtual') ORDER BY schema, name
        """
      case .postgresql:
        """
        SELECT n.nspname, c.relname, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
        WHEN 'f' THEN 'foreign table' ELSE 'table' END,
        CASE WHEN pg_catalog.pg_table_is_visible(c.oid) AND n.nspname <> 'pg_catalog' THEN 1 ELSE 0 END
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_toast%' ORDER BY 1, 2
        """
      case .duckdb:
        """
        SELECT table_schema, table_name, CASE table_type WHEN 'VIEW' THEN 'view' ELSE 'table' END,
        CASE WHEN table_schema IN ('main', 'temp') THEN 1 ELSE 0 END
        FROM information_schema.tables ORDER BY 1, 2
        """
      }
    return try driver.rows(sql).map { row in
      Relation(
        schema: row[0].text ?? "", name: row[1].text ?? "", kind: row[2].text ?? "",
        isVisible: row[3] == .integer(1))
    }
  }

  /// The relation of a name that may have a schema before it; names are compared as the database would.
  func relation(_ schema: String?, _ name: String) throws(SQLFailure) -> Relation? {
    let all = try relations().filter { schema == nil ? $0.isVisible : Self.same($0.schema, schema ?? "") }
    return all.first { $0.name == name } ?? all.first { Self.same($0.name, name) }
  }

  static func same(_ left: String, _ right: String) -> Bool { left.lowercased() == right.lowercased() }

  func columns(of relation: Relation) throws(SQLFailure) -> [Column] {
    let sql =
      switch driver.dialect {
      case .sqlite:
        """
        SELECT name, type, "notnull" = 0 AND pk = 0, dflt_value, CASE WHEN pk > 0 THEN 'primary key' ELSE '' END
        FROM pragma_table_xinfo(:name, :schema) WHERE hidden <> 1 ORDER BY cid
        """
      case .postgresql:
        """
        SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 0 ELSE 1 END,
        pg_catalog.pg_get_expr(d.adbin, d.adrelid), CASE WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_index i
        WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)) THEN 'primary key' ELSE '' END
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relname = :name AND n.nspname = :schema AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """
      case .duckdb:
        """
        SELECT column_name, data_type, CASE is_nullable WHEN 'YES' THEN 1 ELSE 0 END, column_default, ''
        FROM information_schema.columns WHERE table_name = :name AND table_schema = :schema ORDER BY ordinal_position
        """
      }
    return try driver.rows(sql, ["name": relation.name, "schema": relation.schema]).map { row in
      Column(
        name: row[0].text ?? "", type: row[1].text ?? "", isNullable: row[2] == .integer(1),
        defaultValue: row[3].text,
        note: row[4].text ?? "")
    }
  }

  /// The indexes and the like of a relation, each a line.
  func details(of relation: Relation) throws(SQLFailure) -> [String] {
    let sql =
      switch driver.dialect {
      case .sqlite:
        """
        SELECT sql FROM "\(relation.schema.replacing("\"", with: "\"\""))".sqlite_schema
        WHERE tbl_name = :name AND (type IN ('index', 'trigger') OR type = 'view' AND name = :name) AND sql IS NOT NULL
        """
      case .postgresql:
        """
        SELECT indexdef FROM pg_catalog.pg_indexes WHERE tablename = :name AND schemaname = :schema
        UNION ALL SELECT definition FROM pg_catalog.pg_views WHERE viewname = :name AND schemaname = :schema
        UNION ALL SELECT pg_catalog.quote_ident(o.conname) || ' ' || pg_catalog.pg_get_constraintdef(o.oid)
        FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = :name AND n.nspname = :schema AND o.contype IN ('c', 'f')
        """
      case .duckdb:
        """
        SELECT sql FROM duckdb_indexes() WHERE table_name = :name AND schema_name = :schema
        UNION ALL SELECT sql FROM duckdb_views() WHERE view_name = :name AND schema_name = :schema
        """
      }
    return try driver.rows(sql, ["name": relation.name, "schema": relation.schema]).compactMap { $0[0].text }
  }

  /// What the database calls its functions.
  func functions() throws(SQLFailure) -> [String] {
    let sql =
      switch driver.dialect {
      case .sqlite: "SELECT DISTINCT name FROM pragma_function_list WHERE name GLOB '[a-z]*' ORDER BY 1"
      case .postgresql:
        "SELECT DISTINCT proname FROM pg_catalog.pg_proc WHERE prorettype <> 2279 AND proname !~ '^_' "
          + "AND pg_catalog.pg_function_is_visible(oid) ORDER BY 1"
      case .duckdb:
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_name SIMILAR TO '[a-z].*' ORDER BY 1"
      }
    return try driver.rows(sql).compactMap { $0[0].text }
  }

  /// A name as it must be written in a statement.
  func written(_ name: String) -> String {
    let isPlain =
      name.utf8.allSatisfy { SQLScanner.isWordByte($0) } && !name.isEmpty
      && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(name.utf8.first ?? 0)
      && (driver.dialect != .postgresql || name == name.lowercased())
      && !Keywords.all.contains(name.uppercased())
    return isPlain ? name : "\"" + name.replacing("\"", with: "\"\"") + "\""
  }
}

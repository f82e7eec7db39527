import Notebook

/// What a notebook takes, for people and for programs, in the forms of papermill's `--help-notebook` and
/// `inspect_notebook`.
public enum ParameterListing {
  /// A line for each parameter, its help beside or below it.
  public static func text(_ schema: ParameterSchema) -> String {
    if !schema.isKnown { return "\n  No cell tagged 'parameters'\n" }
    if schema.declared.isEmpty {
      return "\n  Can't infer anything about this notebook's parameters. "
        + "It may not have any parameter defined.\n"
    }
    return schema.declared.map { parameter in
      let type = typeName(parameter) ?? "Unknown type"
      let definition = "  \(parameter.name): \(type) (default \(parameter.defaultText ?? "None"))"
      if parameter.help.isEmpty { return definition + "\n" }
      let place = definition.count > 30 ? 34 : 34 - definition.count
      return definition + (place == 34 ? "\n" : "") + String(repeating: " ", count: place) + parameter.help
        + "\n"
    }.joined()
  }

  /// Parameters by name. What papermill does not say is `required`.
  public static func json(_ schema: ParameterSchema) -> NotebookValue {
    var object = NotebookObject()
    for parameter in schema.declared {
      object[parameter.name] = [
        "name": .string(parameter.name), "inferred_type_name": .string(typeName(parameter) ?? "None"),
        "default": parameter.defaultText.map(NotebookValue.string) ?? "None",
        "help": .string(parameter.help), "required": .bool(parameter.isRequired),
      ]
    }
    return .object(object)
  }

  private static func typeName(_ parameter: DeclaredParameter) -> String? {
    parameter.annotation ?? parameter.kind?.rawValue
  }
}

import SwiftParser
import SwiftSyntax

/// Something that a cell declares at its top level, for later cells to use.
struct Declaration {
  enum Kind: String {
    case variable = "var"
    case function = "func"
    case structure = "struct"
    case enumeration = "enum"
    case reference = "class"
    case protocolType = "protocol"
    case alias = "typealias"
    /// An extension, an operator or a macro: it has no name of its own to import.
    case other = ""
  }

  var kind: Kind
  var name: String
  /// What a later declaration must have in common to take its place.
  var key: String
  /// The statement that gives it its value, for a variable.
  var step: Int?
}

/// What the host has to know of a cell before it is compiled.
struct ParsedCell {
  var imports: [String] = []
  var declarations: [Declaration] = []
  /// Bytes of the last expression, whose value is shown.
  var echo: Range<Int>?
  /// Where statements end that give variables their values, by step.
  var steps: [Int] = []
  /// Where stored variables begin. They are the same to all code, also when their cell awaits something and so
  /// belongs to the main actor.
  var variables: [Int] = []
  /// What a line `// parley: -O` asks of the compiler.
  var flags: [String] = []
  /// Places of names in top-level code before the cell declares them itself: they mean what an earlier cell declared.
  /// In a closure they may mean that, if the compiler says that it cannot be otherwise.
  var references: [(name: String, offset: Int, isInClosure: Bool)] = []

  /// Members of extensions: where their names are, and where a modifier may stand.
  var members: [(name: Int, start: Int)] = []

  init(_ source: String) {
    let tree = Parser.parse(source: source)
    for item in tree.statements { add(item) }
    let ends = Dictionary(
      declarations.compactMap { declaration in declaration.step.map { (declaration.name, steps[$0]) } },
      uniquingKeysWith: { first, _ in first })
    references.removeAll { reference in ends[reference.name].map { reference.offset >= $0 } ?? true }
    if let last = tree.statements.last, last.semicolon == nil, case .expr(let expression) = last.item,
      Self.hasValue(expression)
    {
      let start = expression.positionAfterSkippingLeadingTrivia.utf8Offset
      echo = start..<expression.endPositionBeforeTrailingTrivia.utf8Offset
    }
    for line in source.lines {
      let words = line.split(separator: " ")
      if words.count > 2, words[0] == "//", words[1] == "parley:" { flags += words[2...].map(String.init) }
    }
  }

  private mutating func add(_ item: CodeBlockItemSyntax) {
    switch item.item {
    case .decl(let declaration): add(declaration, end: item.item.endPositionBeforeTrailingTrivia.utf8Offset)
    case .stmt(let statement): refer(in: Syntax(statement), own: [])
    case .expr(let expression): refer(in: Syntax(expression), own: [])
    @unknown default: break
    }
  }

  private mutating func bind(_ names: [String], end: Int) {
    for name in names {
      declarations.append(Declaration(kind: .variable, name: name, key: name, step: steps.count))
    }
    steps.append(end)
  }

  private mutating func refer(in syntax: Syntax, own: Set<String>) {
    var local: Set<String> = []
    var found: [(name: String, offset: Int, isInClosure: Bool)] = []
    for token in syntax.tokens(viewMode: .sourceAccurate) {
      guard case .identifier(let name) = token.tokenKind, let parent = token.parent else { continue }
      if parent.is(IdentifierPatternSyntax.self) || parent.is(ClosureShorthandParameterSyntax.self)
        || parent.is(ClosureParameterSyntax.self) || parent.is(FunctionParameterSyntax.self)
      {
        if !own.contains(name) { local.insert(name) }
      } else if parent.is(DeclReferenceExprSyntax.self) {
        if let member = parent.parent?.as(MemberAccessExprSyntax.self), member.declName.id == parent.id {
          continue
        }
        let isInClosure = sequence(first: parent, next: \.parent).prefix { $0.id != syntax.id }
          .contains { $0.is(ClosureExprSyntax.self) || $0.is(AccessorBlockSyntax.self) }
        found.append((name, token.positionAfterSkippingLeadingTrivia.utf8Offset, isInClosure))
      }
    }
    references += found.filter { !local.contains($0.name) }
  }

  private mutating func add(_ declaration: DeclSyntax, end: Int) {
    if let group = declaration.asProtocol(WithModifiersSyntax.self),
      group.modifiers.contains(where: { ["private", "fileprivate"].contains($0.name.text) })
    {
      return
    }
    switch declaration.as(DeclSyntaxEnum.self) {
    case .importDecl(let node): imports.append(node.trimmedDescription)
    case .variableDecl(let node):
      let names = node.bindings.flatMap { Self.names(in: $0.pattern) }
      bind(names, end: end)
      if Self.isPlainlyStored(node) {
        variables.append(node.bindingSpecifier.positionAfterSkippingLeadingTrivia.utf8Offset)
      }
      refer(in: Syntax(node), own: Set(names))
    case .functionDecl(let node):
      let isOperator = node.name.tokenKind != .identifier(node.name.text)
      add(isOperator ? .other : .function, node.name.text, key: Self.signature(of: node))
    case .structDecl(let node): add(.structure, node.name.text)
    case .enumDecl(let node): add(.enumeration, node.name.text)
    case .classDecl(let node): add(.reference, node.name.text)
    case .actorDecl(let node): add(.reference, node.name.text)
    case .protocolDecl(let node): add(.protocolType, node.name.text)
    case .typeAliasDecl(let node): add(.alias, node.name.text)
    case .extensionDecl(let node): addExtension(node)
    case .operatorDecl(let node):
      add(.other, node.name.text, key: "operator \(node.fixitySpecifier.text) \(node.name.text)")
    case .precedenceGroupDecl(let node): add(.other, node.name.text, key: "precedencegroup \(node.name.text)")
    case .macroDecl(let node): add(.other, node.name.text, key: "macro \(node.name.text)")
    case .ifConfigDecl(let node):
      for clause in node.clauses {
        if case .statements(let items)? = clause.elements { for item in items { add(item) } }
      }
    default: break
    }
  }

  private mutating func add(_ kind: Declaration.Kind, _ name: String, key: String? = nil) {
    let name = name.trimmingBackticks
    declarations.append(Declaration(kind: kind, name: name, key: key ?? name))
  }

  private mutating func addExtension(_ node: ExtensionDeclSyntax) {
    let type = node.extendedType.trimmedDescription + (node.genericWhereClause?.trimmedDescription ?? "")
    var keys = node.inheritanceClause?.inheritedTypes.map { "\(type): \($0.type.trimmedDescription)" } ?? []
    for member in node.memberBlock.members {
      if node.inheritanceClause != nil { addMember(member.decl) }
      if let function = member.decl.as(FunctionDeclSyntax.self) {
        keys.append("\(type).\(Self.signature(of: function))")
      } else if let variable = member.decl.as(VariableDeclSyntax.self) {
        keys += variable.bindings.flatMap { Self.names(in: $0.pattern) }.map { "\(type).\($0)" }
      } else {
        keys.append(
          "\(type).\(member.decl.tokens(viewMode: .sourceAccurate).prefix(12).map(\.text).joined(separator: " "))"
        )
      }
    }
    for key in keys.isEmpty ? [type] : keys {
      declarations.append(Declaration(kind: .other, name: "", key: "extension \(key)"))
    }
  }

  private static func isPlainlyStored(_ node: VariableDeclSyntax) -> Bool {
    let modifiers = node.modifiers.map(\.name.text)
    guard !modifiers.contains(where: { ["async", "nonisolated", "lazy", "weak", "unowned"].contains($0) }),
      !node.attributes.contains(where: { $0.trimmedDescription.hasPrefix("@") })
    else { return false }
    return node.bindings.allSatisfy { $0.accessorBlock == nil }
  }

  private mutating func addMember(_ node: DeclSyntax) {
    let (name, modifiers, keyword): (TokenSyntax?, DeclModifierListSyntax, TokenSyntax)
    switch node.as(DeclSyntaxEnum.self) {
    case .functionDecl(let node): (name, modifiers, keyword) = (node.name, node.modifiers, node.funcKeyword)
    case .variableDecl(let node):
      (name, modifiers, keyword) = (
        node.bindings.first?.pattern.firstToken(viewMode: .sourceAccurate), node.modifiers,
        node.bindingSpecifier
      )
    case .initializerDecl(let node):
      (name, modifiers, keyword) = (node.initKeyword, node.modifiers, node.initKeyword)
    case .subscriptDecl(let node):
      (name, modifiers, keyword) = (node.subscriptKeyword, node.modifiers, node.subscriptKeyword)
    case .typeAliasDecl(let node):
      (name, modifiers, keyword) = (node.name, node.modifiers, node.typealiasKeyword)
    default: return
    }
    guard let name else { return }
    let start =
      modifiers.first?.positionAfterSkippingLeadingTrivia ?? keyword.positionAfterSkippingLeadingTrivia
    members.append((name.positionAfterSkippingLeadingTrivia.utf8Offset, start.utf8Offset))
  }

  /// The name, labels and types of a function: two of the same cannot live side by side.
  private static func signature(of node: FunctionDeclSyntax) -> String {
    let parameters = node.signature.parameterClause.parameters.map {
      "\($0.firstName.text): \($0.type.trimmedDescription)"
    }
    let result = node.signature.returnClause?.type.trimmedDescription ?? ""
    return "\(node.name.text)(\(parameters.joined(separator: ", "))) \(result)"
      + (node.genericWhereClause?.trimmedDescription ?? "")
  }

  private static func names(in pattern: PatternSyntax) -> [String] {
    switch pattern.as(PatternSyntaxEnum.self) {
    case .identifierPattern(let node): [node.identifier.text.trimmingBackticks]
    case .tuplePattern(let node): node.elements.flatMap { names(in: $0.pattern) }
    case .valueBindingPattern(let node): names(in: node.pattern)
    default: []
    }
  }

  /// Assignments have no value to show; control flow that stands as an expression has none either.
  private static func hasValue(_ expression: ExprSyntax) -> Bool {
    switch expression.as(ExprSyntaxEnum.self) {
    case .sequenceExpr(let node): !node.elements.contains { $0.is(AssignmentExprSyntax.self) }
    case .ifExpr, .switchExpr, .missingExpr: false
    default: true
    }
  }
}

extension String {
  fileprivate var trimmingBackticks: String {
    hasPrefix("`") && hasSuffix("`") && count > 2 ? String(dropFirst().dropLast()) : self
  }
}

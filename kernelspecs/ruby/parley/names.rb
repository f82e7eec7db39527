# frozen_string_literal: true

require 'ripper'

module Parley
  # What a piece of code before the cursor speaks of, found without running any of it: the last name,
  # and the object or the classes that it would be looked up in.
  class Names
    # A name with what it hangs on: (receiver, operator, name). The receiver is tokens.
    Found = Struct.new(:receiver, :operator, :name, :kind, :before)

    OPERATORS = %w[. &. ::].freeze
    LITERALS = { on_tstring_end: [String], on_int: [Integer], on_float: [Float], on_rbracket: [Array], on_rbrace: [Hash, Proc],
                 on_regexp_end: [Regexp], on_rational: [Rational], on_imaginary: [Complex], on_backtick: [String] }.freeze
    KINDS = { on_ident: :ident, on_const: :const, on_ivar: :ivar, on_gvar: :gvar, on_cvar: :cvar, on_kw: :ident, on_backref: :gvar }.freeze

    def initialize(code)
      @tokens = Ripper.lex(code).map { |_, type, text, state| [type, text, state] }
    end

    # nil inside of comments and numbers; a string is of the kind :string, its name what stands in it.
    def last
      type, text, = @tokens.last
      return Found.new([], nil, '', :ident, []) if type.nil? || %i[on_sp on_nl on_ignored_nl on_lparen on_comma on_semicolon on_op on_lbracket on_lbrace].include?(type) && !OPERATORS.include?(text)
      return nil if type == :on_comment || type == :on_embdoc
      return string(text) if type == :on_tstring_content
      return string('') if type == :on_tstring_beg
      return symbol(text) if type == :on_symbeg || @tokens[-2]&.first == :on_symbeg

      OPERATORS.include?(text) ? found(@tokens.size, '', :ident) : (KINDS[type] && found(@tokens.size - 1, text, KINDS[type]))
    end

    # The object that the tokens name, in an array; [] when only running the code could tell.
    def self.object(tokens)
      return [] if tokens.empty?
      return constant(tokens) if tokens.all? { |type, text, _| type == :on_const || text == '::' }
      return [] if tokens.size > 1

      type, text, = tokens.first
      case type
      when :on_ident then TOPLEVEL_BINDING.local_variable_defined?(text) ? [TOPLEVEL_BINDING.local_variable_get(text)] : []
      when :on_ivar then [TOPLEVEL_BINDING.receiver.instance_variable_get(text)]
      when :on_gvar, :on_backref then global_variables.include?(text.to_sym) ? [TOPLEVEL_BINDING.eval(text)] : []
      when :on_kw then { 'self' => [TOPLEVEL_BINDING.receiver], 'nil' => [nil], 'true' => [true], 'false' => [false] }.fetch(text, [])
      else []
      end
    end

    # Constants that would have to be loaded first (autoload) are left alone.
    def self.constant(tokens)
      tokens.select { |type,| type == :on_const }.inject([Object]) do |(scope), (_, name)|
        return [] unless Module === scope && scope.const_defined?(name) && !scope.autoload?(name)

        [scope.const_get(name)]
      end
    end

    # The classes of a literal.
    def self.classes(tokens)
      return [Symbol] if tokens.first&.first == :on_symbeg
      return [] unless tokens.size == 1 || %i[on_tstring_beg on_regexp_beg on_backtick].include?(tokens.first&.first)

      LITERALS[tokens.last.first] || []
    end

    private

    def string(text)
      word = @tokens.reverse.find { |type,| type == :on_ident }
      Found.new([word].compact, nil, text, :string, [])
    end

    def symbol(text) = Found.new([], nil, text == ':' ? '' : text, :symbol, [])

    def found(index, name, kind)
      operator = index.positive? && OPERATORS.include?(@tokens[index - 1][1]) ? @tokens[index - 1][1] : nil
      receiver = operator ? receiver_before(index - 1) : []
      Found.new(receiver, operator, name, kind, @tokens[0...index])
    end

    # The tokens of `a`, `A::B`, `"x"`, `[1, 2]`, `f(x).y` before an operator.
    def receiver_before(index)
      first = index
      loop do
        first = [opening(first - 1), 0].max
        break if first.zero? || !OPERATORS.include?(@tokens[first - 1][1])

        first -= 1
      end
      tokens = @tokens[first...index]
      literal = opens_literal?(first) && closing(first) == tokens.size - 1 + first
      literal ? [tokens.last] : tokens
    end

    PAIRS = { on_rparen: :on_lparen, on_rbracket: :on_lbracket, on_rbrace: :on_lbrace, on_tstring_end: :on_tstring_beg,
              on_regexp_end: :on_regexp_beg }.freeze

    # The first token of what ends at the index: of a pair its beginning, with the name that it belongs to.
    def opening(index)
      type = @tokens[index]&.first
      begins = PAIRS[type] or return index.positive? && @tokens[index - 1][0] == :on_symbeg ? index - 1 : index
      depth = 0
      index.downto(0) do |at|
        depth += 1 if @tokens[at][0] == type
        depth -= 1 if @tokens[at][0] == begins
        next unless depth.zero?

        called = type == :on_rparen || type == :on_rbracket
        return called && at.positive? && %i[on_ident on_const on_ivar on_gvar].include?(@tokens[at - 1][0]) ? at - 1 : at
      end
      0
    end

    def opens_literal?(index) = %i[on_lbracket on_lbrace].include?(@tokens[index][0])

    def closing(first)
      ends = PAIRS.key(@tokens[first][0])
      (first...@tokens.size).find { |at| @tokens[at][0] == ends && opening(at) == first }
    end
  end
end

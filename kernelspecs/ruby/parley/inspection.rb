# frozen_string_literal: true

module Parley
  # What is known of the name at the cursor: value, class, signature, place, comment, source, ri.
  class Inspection
    LONGEST = 2000

    def initialize(code, position, sources)
      position = (position || code.size).clamp(0, code.size)
      position += code[position..][/\A[\w?!]*/].size
      @found = Names.new(code[0, position].sub(/\(\s*\z/, '')).last
      @sources = sources
    end

    def reply(detail)
      parts = @found && !@found.name.empty? ? describe(detail.to_i) : []
      text = parts.compact.reject(&:empty?).join("\n\n")
      { status: 'ok', found: !text.empty?, data: text.empty? ? {} : { 'text/plain' => text }, metadata: {} }
    end

    private

    def describe(detail)
      if @found.operator
        on_receiver(detail)
      else
        tokens = [[{ ident: :on_ident, const: :on_const, ivar: :on_ivar, gvar: :on_gvar }[@found.kind], @found.name]]
        tokens[0][0] = :on_kw if %w[self nil true false].include?(@found.name)
        object = Names.object(tokens)
        object.empty? ? function(detail) : of_object(@found.name, object.first)
      end
    end

    def on_receiver(detail)
      whole = Names.object([*@found.receiver, [:on_op, '::'], [:on_const, @found.name]]) if @found.kind == :const
      return of_object(@found.name, whole.first) if whole && !whole.empty?

      object = Names.object(@found.receiver)
      return of_method(method_of(object.first), detail) unless object.empty?

      classes = Names.classes(@found.receiver).select { |type| type.method_defined?(@found.name) }
      classes.flat_map { |type| of_method(type.instance_method(@found.name), detail) }
    end

    def function(detail)
      main = TOPLEVEL_BINDING.receiver
      main.respond_to?(@found.name, true) ? of_method(main.method(@found.name), detail) : []
    end

    def method_of(object)
      Kernel.instance_method(:method).bind_call(object, @found.name)
    rescue NameError, TypeError
      nil
    end

    def of_object(name, object)
      return of_module(object) if Module === object

      text = Rich.text(object)
      text = "#{text[0, LONGEST]}..." if text.size > LONGEST
      ["#{name} = #{text}", "Class: #{Kernel.instance_method(:class).bind_call(object)}", size(object)]
    end

    def size(object)
      case object
      when String, Array, Hash then "Size: #{object.size}"
      end
    end

    def of_module(type)
      own = type.instance_methods(false).sort
      above = type.ancestors.drop(1)
      place = Object.const_source_location(type.name) if type.name
      ["#{type.class.to_s.downcase} #{type}#{" < #{type.superclass}" if type.is_a?(Class) && type.superclass}",
       ("Defined at #{place.join(':')}" if place && !place.empty?), comment(place),
       ("Ancestors: #{above.join(', ')}" unless above.empty?), ("Methods: #{own.join(', ')}" unless own.empty?),
       documentation(type.name, :class)]
    end

    def of_method(method, detail)
      return [] unless method

      place = method.source_location
      owner = method.owner
      single = owner.singleton_class?
      holder = single && method.respond_to?(:receiver) && Module === method.receiver ? method.receiver : owner
      ["#{holder}#{single ? '.' : '#'}#{method.name}#{signature(method)}", ("Defined at #{place.join(':')}" if place),
       comment(place), (source(method, place) if detail.positive? || place && @sources.key?(place[0])),
       documentation("#{holder}#{single ? '::' : '#'}#{method.name}", :method)]
    end

    MARKS = { req: '%s', opt: '%s = ...', rest: '*%s', keyreq: '%s:', key: '%s: ...', keyrest: '**%s', block: '&%s', nokey: '**nil' }.freeze

    def signature(method)
      return '(...)' if method.parameters.any? { |kind, name| name.nil? && kind != :nokey }

      "(#{method.parameters.map { |kind, name| format(MARKS.fetch(kind), name.to_s.delete('*&')) }.join(', ')})"
    end

    def lines_of(file) = @sources[file]&.lines || (File.file?(file) ? File.readlines(file) : [])

    # The comment right above a definition.
    def comment(place)
      return unless place && place.size == 2

      above = lines_of(place[0])[0, place[1] - 1].to_a.reverse.take_while { |line| line.match?(/\A\s*#/) }
      above.reverse.map { |line| line.sub(/\A\s*#+ ?/, '') }.join.strip
    end

    def source(method, place)
      return unless place

      lines = lines_of(place[0])
      node = RubyVM::AbstractSyntaxTree.of(method, keep_script_lines: true)
      lines[(place[1] - 1)...node.last_lineno].join.chomp
    rescue StandardError
      lines[place[1] - 1].to_s.chomp
    end

    # ri's text, where its data is installed.
    def documentation(name, kind)
      return unless name

      require 'rdoc'
      driver = @driver ||= RDoc::RI::Driver.new(interactive: false, use_stdout: true, verbose: false)
      text = RDoc::Markup::Document.new
      kind == :method ? driver.add_method(text, name) : driver.add_class(text, name, driver.classes_and_includes_and_extends_for(name)[1])
      text = text.accept(RDoc::Markup::ToRdoc.new).strip
      text.include?("\n") ? text : nil # without data it is a title only
    rescue LoadError, StandardError
      nil
    end
  end
end

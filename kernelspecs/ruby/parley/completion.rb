# frozen_string_literal: true

module Parley
  # Completion that runs no code of the cell.
  class Completion
    KEYWORDS = %w[BEGIN END __ENCODING__ __FILE__ __LINE__ alias and begin break case class def defined? do else elsif
                  end ensure false for if in module next nil not or redo rescue retry return self super then true undef
                  unless until when while yield].freeze
    METHOD = /\A[a-zA-Z_\u0080-\u{10ffff}]/
    MOST = 1000

    def initialize(code, position)
      @position = position
      @found = Names.new(code).last
    end

    def reply
      names = @found ? candidates.select { |name, _| name.start_with?(@found.name) }.uniq(&:first).sort.first(MOST) : []
      start = @position - (@found&.name || '').size
      { status: 'ok', matches: names.map(&:first), cursor_start: start, cursor_end: @position,
        metadata: { _jupyter_types_experimental: names.map { |name, type| { text: name, type: type, start: start, end: @position } } } }
    end

    private

    def candidates
      case @found.kind
      when :string then strings
      when :symbol then typed(@found.name.empty? ? [] : Symbol.all_symbols, 'symbol').select { |name,| name.match?(METHOD) }
      when :ivar then typed(main.instance_variables, 'variable')
      when :gvar then typed(global_variables, 'variable')
      when :cvar then typed(Object.class_variables, 'variable')
      else @found.operator ? members : names
      end
    end

    def names
      functions = Object.private_instance_methods | Object.instance_methods | main.singleton_methods
      typed(TOPLEVEL_BINDING.local_variables, 'variable') + typed(KEYWORDS, 'keyword') +
        typed(Object.constants, 'class') + methods(functions, 'function')
    end

    def members
      object = Names.object(@found.receiver)
      return of_object(object.first) unless object.empty?

      classes = Names.classes(@found.receiver)
      return methods(classes.flat_map(&:instance_methods)) unless classes.empty?

      # something that only running the code could tell: what any loaded class has, once there is a beginning
      @found.name.empty? ? [] : methods(ObjectSpace.each_object(Module).flat_map { |type| instance_methods_of(type) }.uniq)
    end

    def of_object(object)
      constants = Module === object && @found.operator == '::' ? typed(object.constants, 'class') : []
      constants + methods(Kernel.instance_method(:methods).bind_call(object))
    rescue TypeError # BasicObject
      methods(BasicObject.instance_methods)
    end

    def instance_methods_of(type)
      Module.instance_method(:instance_methods).bind_call(type, false)
    rescue StandardError
      []
    end

    # In `require '...'` what can be loaded, else files.
    def strings
      case @found.receiver.first&.at(1)
      when 'require' then typed(libraries, 'module')
      else typed(files('').map { |path| File.directory?(path) ? "#{path}/" : path }, 'path')
      end
    end

    def files(suffix) = Dir.glob("#{@found.name.gsub(/[*?\[\]{}\\]/) { |c| "\\#{c}" }}*#{suffix}")

    def libraries
      gems = defined?(Gem::Specification) ? Gem::Specification.latest_specs(true).flat_map(&:full_require_paths) : []
      ($LOAD_PATH | gems).flat_map do |folder|
        Dir.glob("#{@found.name}*{/,.rb,.so}", base: folder).map { |path| path.sub(/\.(rb|so)\z/, '') }
      end
    end

    def methods(names, type = 'function') = typed(names.select { |name| name.match?(METHOD) }, type)
    def typed(names, type) = names.map { |name| [name.to_s, type] }
    def main = TOPLEVEL_BINDING.receiver
  end
end

# frozen_string_literal: true

module Parley
  # Something with a MIME type of its own: what Parley.html and its like return.
  class Rich
    attr_reader :data, :metadata

    def initialize(data, metadata = {})
      @data = data
      @metadata = metadata
    end

    def inspect = @data['text/plain'] || "#<#{@data.keys.join(', ')}>"
    alias to_s inspect

    # The conventions of IRuby: a method of the object, the MIME type of what it returns.
    METHODS = {
      to_html: 'text/html', to_markdown: 'text/markdown', to_latex: 'text/latex', to_tex: 'text/latex',
      to_svg: 'image/svg+xml', to_png: 'image/png', to_jpeg: 'image/jpeg', to_javascript: 'application/javascript'
    }.freeze
    # Core classes stand as they are, whatever a library has added to them.
    PLAIN = [String, Symbol, Numeric, NilClass, TrueClass, FalseClass, Module, Proc, Regexp, Range].freeze

    class << self
      # [data, metadata] of any value.
      def bundle(value)
        return [value.data, value.metadata] if Rich === value
        return [{ 'text/plain' => text(value) }, {}] unless Object === value && PLAIN.none? { |type| type === value }

        data, metadata = own_bundle(value)
        data = { 'text/plain' => text(value) }.merge(data || methods_of(value))
        [data.to_h { |mime, item| [mime, encode(mime, item)] }, metadata || {}]
      end

      def text(value)
        Object === value ? "#{value.inspect}" : "(#{Kernel.instance_method(:class).bind_call(value)} has no inspect)"
      rescue TypeError # BasicObject
        '(an object without inspect)'
      end

      # Bytes of images travel as base64.
      def encode(mime, item)
        return item unless item.is_a?(String) && mime.match?(%r{\A(image/(?!svg)|application/pdf|audio/|video/)})

        base64?(item) ? item : [item].pack('m0')
      end

      private

      def base64?(item) = item.size > 16 && item.match?(%r{\A[A-Za-z0-9+/\n]+={0,2}\s*\z}n)

      def own_bundle(value)
        if value.respond_to?(:to_iruby_mimebundle)
          data, metadata = value.to_iruby_mimebundle(include: [])
          [data.to_h { |mime, item| [mime.to_s, item] }, metadata] if data.is_a?(Hash)
        elsif value.respond_to?(:to_iruby)
          mime, item = value.to_iruby
          [{ mime.to_s => item }, {}] if mime
        end
      end

      def methods_of(value)
        METHODS.each_with_object({}) do |(name, mime), data|
          next if data.key?(mime) || !value.respond_to?(name)

          item = value.public_send(name)
          data[mime] = item.to_s unless item.nil?
        end
      end
    end
  end
end

# frozen_string_literal: true

# What cells call. The names are those of the gem iruby, whose users find everything where it was.
module Parley
  Error = Class.new(StandardError)

  class << self
    attr_accessor :frames, :cell
    # :immediate while a cell runs, :never while the bridge is by itself
    attr_accessor :mask

    # Shows a value now. With an id it can be changed later: Parley.update(id, value).
    def display(value, id: nil, mime: nil, metadata: nil, update: false)
      data, given = mime ? [{ mime.to_s => Rich.encode(mime.to_s, value.to_s), 'text/plain' => value.to_s }, {}] : Rich.bundle(value)
      publish(update ? 'update_display_data' : 'display_data',
              { data: data, metadata: metadata || given, transient: id ? { display_id: id.to_s } : {} })
    end

    def update(id, value, **options) = display(value, id: id, update: true, **options)

    def clear_output(wait = false) = publish('clear_output', { wait: wait == true || (wait.is_a?(Hash) && wait[:wait] == true) })

    def html(text) = rich('text/html', text)
    def markdown(text) = rich('text/markdown', text)
    def latex(text) = rich('text/latex', text)
    def math(text) = rich('text/latex', "$$#{text}$$")
    def svg(text) = rich('image/svg+xml', text)
    def javascript(text) = rich('application/javascript', text)
    def png(bytes_or_path) = image('image/png', bytes_or_path)
    def jpeg(bytes_or_path) = image('image/jpeg', bytes_or_path)
    def gif(bytes_or_path) = image('image/gif', bytes_or_path)
    def json(value) = Rich.new({ 'application/json' => value, 'text/plain' => value.inspect })

    # A table of hashes, of arrays, or of a hash of columns.
    def table(rows, columns = nil)
      rows = rows.values.first.is_a?(Array) ? rows.values.transpose.map { |row| rows.keys.zip(row).to_h } : rows.to_a if rows.is_a?(Hash)
      columns ||= rows.first.keys if rows.first.is_a?(Hash)
      cells = rows.map { |row| row.is_a?(Hash) ? columns.map { |column| row[column] } : Array(row) }
      html("<table>#{row('th', columns) if columns}#{cells.map { |row| row('td', row) }.join}</table>")
    end

    # What convert means in iruby: any value under a MIME type.
    def convert(value, mime: nil) = mime ? rich(mime, value) : Rich.new(*Rich.bundle(value))

    def input(prompt = '') = Input.ask(prompt)
    def password(prompt = 'Password: ') = Input.ask(prompt, password: true)

    # Output of the running cell, or of the last one.
    def publish(type, content)
      raise Error, 'only the process of the cell can display, not one that it has forked: print instead' unless frames.ours?

      Ordered.flush
      frames.send_and_wait(type, content)
      nil
    end

    private

    def rich(mime, text) = Rich.new({ mime.to_s => Rich.encode(mime.to_s, text.to_s), 'text/plain' => text.to_s })

    def image(mime, source)
      source = source.to_path if source.respond_to?(:to_path)
      bytes = source.include?("\0") || !File.file?(source) ? source : File.binread(source)
      Rich.new({ mime => [bytes].pack('m0'), 'text/plain' => "#<#{mime}, #{bytes.bytesize} bytes>" })
    end

    def row(tag, items)
      "<tr>#{items.map { |item| "<#{tag}>#{escape(item)}</#{tag}>" }.join}</tr>"
    end

    def escape(item)
      item.to_s.gsub(/[&<>"]/, '&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;')
    end
  end
  self.mask = :never
end

IRuby = Parley
$LOADED_FEATURES << 'iruby.rb' # what asks for the gem finds its methods here

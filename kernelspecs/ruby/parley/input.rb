# frozen_string_literal: true

module Parley
  InputError = Class.new(IOError)

  # Standard input of the cells: reading asks the user. One answer is one line.
  class Input
    include Enumerable

    # nil when the user has ended the input.
    def self.ask(prompt, password: false)
      raise InputError, 'nobody can be asked: the process was forked by a cell' unless Parley.frames.ours?
      raise InputError, 'nobody can be asked: the cell has ended' unless Parley.cell

      Ordered.flush
      _, reply = Parley.frames.exchange(:input) do |number|
        Parley.frames.send_frame('input_request', { prompt: prompt.to_s, password: password }, id: number)
      end
      case reply['status']
      when 'ok' then reply['value'].to_s
      when 'eof' then nil
      else raise InputError, reply['evalue'].to_s.empty? ? 'nobody can be asked' : reply['evalue']
      end
    end

    # $stdin, and what STDIN does.
    def self.setup
      $stdin = new
      reading = public_instance_methods(false) - %i[fileno to_io inspect tty? isatty close closed? binmode]
      reading.each { |name| STDIN.define_singleton_method(name) { |*args, **options, &block| $stdin.public_send(name, *args, **options, &block) } }
      $stdin
    end

    def initialize
      forget
      @lineno = 0
      @password = false
    end

    attr_accessor :lineno

    # What a cell has not read is not for the next one.
    def forget = @rest = nil

    def gets(separator = $/, limit = nil, chomp: false)
      separator, limit = $/, separator if separator.is_a?(Integer)
      line = @rest || ask or return
      line += ask.to_s until separator.nil? || separator.empty? || line.include?(separator) || !line.end_with?("\n") || separator == "\n"
      line = take(line, cut(line, separator, limit))
      @lineno += 1
      chomp ? line.chomp(separator || "\n") : line
    end

    def read(length = nil, buffer = nil)
      text = @rest || ask
      text = text ? take(text, length ? text.byteslice(0, length).scrub('').size : text.size) : (length ? nil : +'')
      buffer ? buffer.replace(text.to_s) : text
    end
    alias readpartial read
    alias sysread read
    alias read_nonblock read

    def readline(...) = gets(...) || raise(EOFError, 'end of file reached')
    def getc = (text = @rest || ask) && take(text, 1)
    def readchar = getc || raise(EOFError, 'end of file reached')
    def getbyte = getc&.ord
    def ungetc(text) = @rest = "#{text}#{@rest}"

    # Until the user ends the input; an empty answer does, since a front end has no Ctrl-D.
    def each_line(...)
      return to_enum(:each_line, ...) unless block_given?

      while (line = gets(...)) && line.chomp != ''
        yield line
      end
      self
    end
    alias each each_line

    def readlines(...) = each_line(...).to_a

    # As io/console has them.
    def getpass(prompt = '') = Input.ask(prompt, password: true)

    def noecho
      @password = true
      yield self
    ensure
      @password = false
    end

    def raw(**) = yield(self)
    alias cooked raw

    def fileno = 0
    def tty? = false
    alias isatty tty?
    def eof? = false
    alias eof eof?
    def closed? = false
    def close = nil
    def sync = true
    def sync=(value); end
    def binmode = self
    def set_encoding(*) = self
    def external_encoding = Encoding::UTF_8
    def internal_encoding = nil
    def to_io = STDIN
    def inspect = '#<Parley::Input asks the user>'

    private

    def ask
      answer = Input.ask('', password: @password)
      answer && "#{answer}\n"
    end

    def cut(line, separator, limit)
      at = separator && !separator.empty? && line.index(separator)
      size = at ? at + separator.size : line.size
      limit ? [size, line.byteslice(0, limit).scrub('').size].min : size
    end

    def take(text, size)
      @rest = text[size..]
      @rest = nil if @rest.empty?
      text[0, size]
    end
  end
end

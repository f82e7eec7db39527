# frozen_string_literal: true

module Parley
  autoload :Names, File.join(__dir__, 'names')
  autoload :Completion, File.join(__dir__, 'completion')
  autoload :Inspection, File.join(__dir__, 'inspection')
  autoload :Completeness, File.join(__dir__, 'completeness')

  # From request to request.
  class Server
    def initialize
      encodings
      Ordered.setup(@frames = Parley.frames = Frames.new)
      @cells = Cells.new(@frames, Input.setup)
      @frames.send_frame('kernel_info_reply', introduction, id: 0)
      libraries
    end

    # Whatever another thread throws at this one while it waits is kept until a cell runs.
    def serve
      Thread.handle_interrupt(Object => :never) do
        loop do
          head, content = @frames.next_request
          break if head['msg_type'] == 'shutdown_request'

          reply = answer(head['msg_type'], content) or next
          Ordered.flush
          @cells.forget_interrupt
          @frames.send_frame(head['msg_type'].sub('request', 'reply'), reply, id: head['id'])
          @cells.wait_for_request
        end
      end
    rescue Closed
      nil
    end

    private

    def answer(type, content)
      case type
      when 'execute_request' then @cells.run(content)
      when 'complete_request' then question { Completion.new(*prefix(content)).reply }
      when 'inspect_request' then question { Inspection.new(content['code'], content['cursor_pos'], @cells.sources).reply(content['detail_level']) }
      when 'is_complete_request' then Completeness.of(content['code'])
      end
    end

    def prefix(content)
      code = content['code']
      position = (content['cursor_pos'] || code.size).clamp(0, code.size)
      [code[0, position], position]
    end

    def question
      yield
    rescue StandardError, ScriptError, SystemStackError => e
      { status: 'error', ename: e.class.name, evalue: e.message, traceback: [] }
    end

    # A cell is UTF-8, and so are the files around it, whatever a bare environment says.
    def encodings
      Encoding.default_external = Encoding::UTF_8 if Encoding.default_external == Encoding::US_ASCII
    end

    def introduction
      { bridge_protocol: 1, banner: RUBY_DESCRIPTION, capabilities: %w[complete inspect is_complete],
        language_info: { name: 'ruby', version: RUBY_VERSION, mimetype: 'text/x-ruby', file_extension: '.rb',
                         codemirror_mode: 'ruby', pygments_lexer: 'ruby', nbconvert_exporter: 'script' } }
    end

    # What Ruby loads before its first line; the manifest has it wait until the front end knows that we are here.
    def libraries
      %w[rubygems error_highlight did_you_mean syntax_suggest/core_ext].each do |name|
        require name
      rescue LoadError
        nil
      end
      RubyVM.keep_script_lines = true if defined?(RubyVM) && RubyVM.respond_to?(:keep_script_lines=)
      $stderr = STDERR
    end
  end
end

# A debugger's prompt needs a terminal. This is said instead of an endless end of input.
class Binding
  def irb(*)
    raise NotImplementedError, 'binding.irb needs a terminal: use p, local_variables or Parley.input in a notebook'
  end
end

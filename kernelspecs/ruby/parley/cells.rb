# frozen_string_literal: true

module Parley
  # Runs cells at the top level, where their locals stay.
  class Cells
    FILE = /\AIn\[\d+\]/

    attr_reader :sources

    def initialize(frames, input)
      @frames = frames
      @input = input
      @sources = {} # by the file name of the cell: what tracebacks quote
      @on_interrupt = proc { @frames.ours? ? interrupt : die_of_it }
      trap('INT', &@on_interrupt)
    end

    # The content of execute_reply.
    def run(request)
      file = begin_cell(request)
      Process.kill(:INT, Process.pid) if @early
      guarded { show(evaluate(request['code'], file), request) } ||
        { status: 'ok', user_expressions: expressions(request['user_expressions'] || {}), payload: [] }
    ensure
      end_cell
    end

    # What was meant for a cell that is over is for no other one.
    def forget_interrupt = @early = false
    def wait_for_request = @early &&= @frames.request_here?

    # Evaluates in the cells' own place; interrupts, timeouts and the end of threads reach it.
    def evaluate(code, file)
      Thread.handle_interrupt(Object => :immediate) { TOPLEVEL_BINDING.eval(code, file, 1) }
    rescue LocalJumpError => e
      raise unless e.reason == :return && e.backtrace&.first&.end_with?("in `<main>'")

      e.exit_value # `return` at the top level ends a script, too
    end

    private

    def begin_cell(request)
      file = "In[#{request['execution_count']}]"
      @sources[file] = request['code']
      define_data(request['code'])
      $PROGRAM_NAME = file # so that `if __FILE__ == $0` holds, as in a script
      Parley.cell = file
      trap('INT', @users_trap) if @users_trap
      Parley.mask = :immediate
      @running = true
      file
    end

    def end_cell
      @running = false
      Parley.mask = :never
      Parley.cell = nil
      drop_late_interrupt
      keep_trap
      @input.forget
      leave_fork unless @frames.ours?
    end

    # One that comes before its cell has begun waits for it.
    def interrupt
      @running ? Thread.main.raise(Interrupt, 'interrupted') : @early = !@frames.at_rest?
    end

    # Interrupts that came when the cell was just over are not for the next one.
    def drop_late_interrupt
      Thread.handle_interrupt(Interrupt => :immediate) { Thread.pass }
    rescue Interrupt
      retry
    end

    # `trap('INT') { ... }` of a cell holds in the cells, not between them.
    def keep_trap
      set = trap('INT', &@on_interrupt)
      @users_trap = set unless set == @on_interrupt
      @users_trap = nil if %w[DEFAULT SYSTEM_DEFAULT].include?(@users_trap)
    end

    # A child that a cell has forked ends as any other program.
    def die_of_it
      trap('INT', 'DEFAULT')
      Process.kill(:INT, Process.pid)
    end

    # A child made by `fork` without a block comes out of the cell here. Its parent answers, not it.
    def leave_fork = exit

    # As in a script: what follows __END__.
    def define_data(code)
      text = code[/^__END__\n(.*)\z/m, 1] or return
      require 'stringio'
      Object.send(:remove_const, :DATA) if Object.const_defined?(:DATA)
      Object.const_set(:DATA, StringIO.new(text))
    end

    def show(value, request)
      TOPLEVEL_BINDING.local_variable_set(:_, value)
      return if NilClass === value || request['silent'] || !@frames.ours? || request['code'].match?(/;\s*\z/)

      data, metadata = Thread.handle_interrupt(Object => :immediate) { Rich.bundle(value) }
      Parley.publish('execute_result', { data: data, metadata: metadata, execution_count: request['execution_count'] })
    end

    # nil, or the error as the content of a reply.
    def guarded
      yield
      nil
    rescue SignalException => e
      e.is_a?(Interrupt) ? failed(e) : raise
    rescue Exception => e # rubocop:disable Lint/RescueException
      failed(e)
    end

    def failed(error)
      unless @frames.ours? # in a fork: what Ruby itself would do
        raise error if error.is_a?(SystemExit)

        warn error.full_message(highlight: false)
        exit 1
      end
      @running = false # what comes now finds the cell ended
      Parley.mask = :never
      drop_late_interrupt
      content = described(error)
      Ordered.flush
      @frames.send_and_wait('error', content)
      { status: 'error', **content }
    end

    # An exception may be odd itself.
    def described(error)
      Errors.new(error, @sources).content
    rescue StandardError => e
      { ename: 'Exception', evalue: "an exception that cannot be shown (#{e.class})", traceback: [] }
    end

    def expressions(asked)
      asked.to_h do |name, code|
        [name, expression(code)]
      rescue Exception => e # rubocop:disable Lint/RescueException
        [name, { status: 'error', **described(e) }]
      end
    end

    def expression(code)
      data, metadata = Rich.bundle(evaluate(code, '(expression)'))
      { status: 'ok', data: data, metadata: metadata }
    end
  end
end

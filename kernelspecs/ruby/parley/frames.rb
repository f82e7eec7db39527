# frozen_string_literal: true

module Parley
  Closed = Class.new(StandardError)

  # Frames on descriptors 3 and 4 (sections 2 and 6 of the protocol), for any thread.
  #
  # Nobody owns the reading side: whoever waits for something reads, and puts what belongs to others into
  # `@arrived`. A thread of the bridge's own would be one that cells see in Thread.list, join and kill.
  class Frames
    def initialize
      @requests = IO.for_fd(3, 'rb', autoclose: false)
      @events = IO.for_fd(4, 'wb', autoclose: false)
      [@requests, @events].each { |io| io.close_on_exec = true }
      @events.sync = true
      @writing = Mutex.new
      @lock = Mutex.new
      @news = ConditionVariable.new
      @arrived = {}
      @awaited = Hash.new(0)
      @number = 0
      @pid = Process.pid
    end

    # A process that a cell has forked is not the bridge: it has the descriptors but no say.
    def ours? = Process.pid == @pid

    def send_frame(type, content, **head)
      raise Error, 'only the process of the cell can speak to the front end, not one that it has forked' unless ours?

      bytes = "#{JSON.generate({ msg_type: type, **head })}\n#{JSON.generate(Frames.clean(content))}\n".b
      whole { @writing.synchronize { @events.write(bytes) } }
    end

    # Order rule 2: returns when the server has taken the frame and all that was printed before.
    def send_and_wait(type, content, **head)
      exchange(:ack) { |number| send_frame(type, content, **head, ack: true, seq: number) }
    end

    # The answer to a question of the bridge; the block asks it under the number it is given.
    def exchange(kind)
      key = [kind, @lock.synchronize { @number += 1 }]
      @awaited[key] += 1
      yield key[1]
      receive(key)
    ensure
      @awaited.delete(key)
    end

    # The next request: [head, content].
    def next_request
      @resting = true
      receive(:request)
    ensure
      @resting = false
    end

    # Nothing to do, and nothing on its way.
    def at_rest? = @resting && !request_here?

    def request_here? = !IO.select([@requests], nil, nil, 0).nil?

    # JSON is UTF-8 and knows no NaN; what a cell shows may be anything.
    def self.clean(value)
      case value
      when String then utf8(value)
      when Hash then value.to_h { |key, item| [utf8(key.to_s), clean(item)] }
      when Array then value.map { |item| clean(item) }
      when Float then value.finite? ? value : nil
      when Integer, true, false, nil then value
      else value.respond_to?(:to_h) && !value.is_a?(Symbol) ? clean(value.to_h) : utf8(value.to_s)
      end
    end

    def self.utf8(text)
      text = String.new(text)
      text.force_encoding(Encoding::UTF_8) if text.encoding == Encoding::BINARY || text.encoding == Encoding::US_ASCII
      text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace).scrub
    end

    private

    def receive(key)
      whole do
        @lock.synchronize do
          loop do
            return @arrived.delete(key) if @arrived.key?(key)

            @reading ? interruptible { @news.wait(@lock) } : read_one
          end
        end
      end
    end

    # Reads one frame, in the name of all threads. Only the wait for its first byte can be interrupted.
    def read_one
      @reading = true
      @lock.unlock
      begin
        interruptible { IO.select([@requests]) }
        @resting = false
        frame = read_frame
      ensure
        @lock.lock
        @reading = false
        @news.broadcast
      end
      deliver(*frame)
    end

    def deliver(head, content)
      key = case head['msg_type']
            when 'ack' then [:ack, head['seq']]
            when 'input_reply' then [:input, head['id']]
            else :request
            end
      # an answer that nobody waits for belongs to a question that was interrupted
      @arrived[key] = [head, content] if key == :request || @awaited.key?(key)
    end

    def read_frame
      head = @requests.gets("\n") or raise Closed # whatever the cells have made of $/
      content = @requests.gets("\n") or raise Closed
      head = JSON.parse(head)
      head['buffers']&.each { |length| @requests.read(length) }
      [head, JSON.parse(content)]
    end

    # Neither an interrupt nor Timeout nor Thread#kill cuts a frame in two.
    def whole(&block) = Thread.handle_interrupt(Object => :never, &block)

    def interruptible(&block)
      Thread.handle_interrupt(Object => Parley.mask, &block)
    end
  end
end

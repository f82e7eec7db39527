# frozen_string_literal: true
# Ruby for Parley: docs/bridge-protocol.md is the contract, README.md says what is where.
# No variables here: the locals of this file are those of the cells (TOPLEVEL_BINDING).

require 'json'
%w[frames streams rich display input cells errors server].each { |name| require_relative "parley/#{name}" }
Parley::Server.new.serve

;; Stands in for the parts of `wasi:cli` that a component was not granted: no variables, no
;; arguments, no terminal, and no way to end the process of its host. With them gone, a server
;; runs on hosts that offer HTTP and nothing else.
(component
  (core module $code
    (memory (export "memory") 1)
    ;; An empty list and a `none` are zeros, as all of this memory is.
    (func (export "nothing") (result i32) i32.const 0)
    (func (export "exit") (param i32) unreachable))
  (core instance $code (instantiate $code))
  (alias core export $code "memory" (core memory $memory))

  (type $variable (tuple string string))
  (type $variables (list $variable))
  (func $get-environment (result $variables)
    (canon lift (core func $code "nothing") (memory $memory)))
  (type $arguments (list string))
  (func $get-arguments (result $arguments)
    (canon lift (core func $code "nothing") (memory $memory)))
  (type $directory (option string))
  (func $initial-cwd (result $directory)
    (canon lift (core func $code "nothing") (memory $memory)))
  (instance $environment
    (export "get-environment" (func $get-environment))
    (export "get-arguments" (func $get-arguments))
    (export "initial-cwd" (func $initial-cwd)))
  (export "environment" (instance $environment))

  (type $status (result))
  (func $exit (param "status" $status) (canon lift (core func $code "exit")))
  (instance $exit-instance (export "exit" (func $exit)))
  (export "exit" (instance $exit-instance))

  (type $input' (resource (rep i32)))
  (instance $terminal-input' (export "terminal-input" (type $input')))
  (export $terminal-input "terminal-input" (instance $terminal-input'))
  (alias export $terminal-input "terminal-input" (type $input))
  (type $output' (resource (rep i32)))
  (instance $terminal-output' (export "terminal-output" (type $output')))
  (export $terminal-output "terminal-output" (instance $terminal-output'))
  (alias export $terminal-output "terminal-output" (type $output))

  (type $own-input (own $input))
  (type $no-input (option $own-input))
  (func $get-stdin (result $no-input)
    (canon lift (core func $code "nothing") (memory $memory)))
  (instance $stdin
    (export "terminal-input" (type $input))
    (export "get-terminal-stdin" (func $get-stdin)))
  (export "terminal-stdin" (instance $stdin))

  (type $own-output (own $output))
  (type $no-output (option $own-output))
  (func $get-out (result $no-output)
    (canon lift (core func $code "nothing") (memory $memory)))
  (instance $stdout
    (export "terminal-output" (type $output))
    (export "get-terminal-stdout" (func $get-out)))
  (export "terminal-stdout" (instance $stdout))
  (instance $stderr
    (export "terminal-output" (type $output))
    (export "get-terminal-stderr" (func $get-out)))
  (export "terminal-stderr" (instance $stderr)))

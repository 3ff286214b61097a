# What a newcomer types. Both `make run` and `make test` install what they need first (scripts/set-up).
.PHONY: run test check bench samples schema set-up
.DEFAULT_GOAL := run

# On a fresh machine the first build takes some minutes; after that, seconds. `make test` uses the same build.
run: set-up            ## start the server with the sample data; prints its address
	cargo run --locked -- serve --seed fixtures/sample

test: set-up check     ## format, lints and every test, on a throwaway database
	@scripts/set-up tests
	cargo test --locked -- --skip browser::
	cargo test --locked --test it browser::

check:                 ## format and lints only
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

bench: set-up          ## the measurements of docs/performance.md
	cargo bench --locked --bench record

schema:                ## print schema.graphql anew, after a change of the API
	cargo run --locked --quiet -- schema > schema.graphql

samples:               ## rewrite docs/events.md from the events, after a change of them
	UPDATE=1 cargo test --locked --test it events::

set-up:
	@scripts/set-up

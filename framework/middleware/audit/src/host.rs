//! The host as the receiver of spans.

use wasip2::random::random::get_random_bytes;

use crate::span::{
    Tracer,
    bindings::wasi::otel::tracing::{self, SpanContext, SpanData},
};

pub struct Host;

impl Tracer for Host {
    fn outer(&self) -> SpanContext {
        tracing::outer_span_context()
    }

    fn start(&self, context: &SpanContext) {
        tracing::on_start(context);
    }

    fn end(&self, span: &SpanData) {
        tracing::on_end(span);
    }

    fn random(&self) -> [u8; 24] {
        let bytes = get_random_bytes(24);
        bytes.try_into().expect("as many as it was asked for")
    }
}

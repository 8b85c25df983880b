-- The trace of the request that asked for a job, as `traceparent` of W3C Trace Context, if requests are traced.

alter table stevedore.jobs add column traceparent text;

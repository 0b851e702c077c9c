import { FastifyOtelInstrumentation } from '@fastify/otel'
import { context, propagation } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { FastifyRequest } from 'fastify'
import type { Config } from '../../config.ts'

/** What an exporter that hangs may cost the end of the server. */
const mostShutdownMilliseconds = 2_000

/** A span for each request, part of the trace that its `traceparent` names (W3C Trace Context). */
export function startTracing({ serviceName, traceRatio }: Config) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': serviceName })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(traceRatio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  })
  const instrumentation = new FastifyOtelInstrumentation({
    // The steps inside of a request say little for what each of their spans costs.
    instrumentHooks: false,
    instrumentHandler: false,
    requestHook: (span, request: FastifyRequest) => {
      // Its path and query are the client's, and may hold what no trace should: the route says enough.
      span.setAttribute('url.path', request.routeOptions.url ?? 'unknown')
      span.updateName(`${request.method} ${request.routeOptions.url ?? 'unknown'}`)
      span.setAttribute('request.id', request.id)
    },
  })
  instrumentation.setTracerProvider(provider)
  return {
    plugin: instrumentation.plugin(),
    async stop(): Promise<void> {
      const late = new Promise((resolve) => setTimeout(resolve, mostShutdownMilliseconds).unref())
      await Promise.race([provider.shutdown(), late])
    },
  }
}

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
import type { Config } from '../../config/config.ts'

/** Maximum delay of the shutdown by a hanging exporter. */
const maxShutdownMilliseconds = 2_000

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
    // Spans of the steps of a request cost more than they show.
    instrumentHooks: false,
    instrumentHandler: false,
    requestHook: (span, request: FastifyRequest) => {
      // The client chooses path and query, which may contain secrets. The route is enough.
      span.setAttribute('url.path', request.routeOptions.url ?? 'unknown')
      span.updateName(`${request.method} ${request.routeOptions.url ?? 'unknown'}`)
      span.setAttribute('request.id', request.id)
    },
  })
  instrumentation.setTracerProvider(provider)
  return {
    plugin: instrumentation.plugin(),
    async stop(): Promise<void> {
      const late = new Promise((resolve) => setTimeout(resolve, maxShutdownMilliseconds).unref())
      await Promise.race([provider.shutdown(), late])
    },
  }
}

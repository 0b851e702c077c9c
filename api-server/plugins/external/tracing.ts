import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Traces by OTLP to OTEL_EXPORTER_OTLP_ENDPOINT. Otherwise, OpenTelemetry is not loaded, because it costs memory and
 * startup time. It reads its other variables (OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS, …) itself.
 * @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export default fp(
  async function tracing(app) {
    if (app.config.otlpEndpoint === undefined) return
    const { startTracing } = await import('./open-telemetry.ts')
    const tracing = startTracing(app.config)
    // Typed for a Fastify without a type provider.
    await app.register(tracing.plugin as Parameters<FastifyInstance['register']>[0])
    app.addHook('onClose', () => tracing.stop())
  },
  { name: 'tracing', dependencies: ['config'] },
)

/** What nm-store and other services import. */
export * from './contract.ts';
export { TemporalUnavailable } from './temporal-unavailable.ts';
export {
  type CheckoutStart,
  createTenancyClient,
  type DescribedRun,
  type RunState,
  type StartedRun,
  type TenancyClient,
} from './tenancy-client.ts';

/**
 * The event types of API version 2026-10-28.endive, as stripe-node 23.1 declares them
 * (`WebhookEndpointCreateParams.EnabledEvent` and `V2.Core.Event`); a test holds this file against those declarations.
 */
const snapshotAndThin = typesIn(`
  account.application.authorized account.application.deauthorized account.external_account.created
  account.external_account.deleted account.external_account.updated account.updated application_fee.created
  application_fee.refund.updated application_fee.refunded balance.available balance_settings.updated
  billing.alert.triggered billing.credit_balance_transaction.created billing.credit_grant.created
  billing.credit_grant.updated billing.meter.created billing.meter.deactivated billing.meter.reactivated
  billing.meter.updated billing_portal.configuration.created billing_portal.configuration.updated
  billing_portal.session.created capability.updated cash_balance.funds_available charge.captured
  charge.dispute.closed charge.dispute.created charge.dispute.funds_reinstated charge.dispute.funds_withdrawn
  charge.dispute.updated charge.expired charge.failed charge.pending charge.refund.updated charge.refunded
  charge.succeeded charge.updated checkout.session.async_payment_failed checkout.session.async_payment_succeeded
  checkout.session.completed checkout.session.expired climate.order.canceled climate.order.created
  climate.order.delayed climate.order.delivered climate.order.product_substituted climate.product.created
  climate.product.pricing_updated coupon.created coupon.deleted coupon.updated credit_note.created
  credit_note.updated credit_note.voided customer.created customer.deleted customer.discount.created
  customer.discount.deleted customer.discount.updated customer.subscription.created customer.subscription.deleted
  customer.subscription.paused customer.subscription.pending_update_applied
  customer.subscription.pending_update_expired customer.subscription.resumed customer.subscription.trial_will_end
  customer.subscription.updated customer.tax_id.created customer.tax_id.deleted customer.tax_id.updated
  customer.updated customer_cash_balance_transaction.created entitlements.active_entitlement_summary.updated
  file.created financial_connections.account.account_numbers_updated financial_connections.account.created
  financial_connections.account.deactivated financial_connections.account.disconnected
  financial_connections.account.expected_deactivation_date_updated financial_connections.account.reactivated
  financial_connections.account.refreshed_balance financial_connections.account.refreshed_ownership
  financial_connections.account.refreshed_transactions
  financial_connections.account.supported_payment_method_types_updated
  financial_connections.account.upcoming_account_number_expiry financial_connections.account.upcoming_deactivation
  identity.verification_session.canceled identity.verification_session.created
  identity.verification_session.processing identity.verification_session.redacted
  identity.verification_session.requires_input identity.verification_session.verified invoice.created
  invoice.deleted invoice.finalization_failed invoice.finalized invoice.marked_uncollectible invoice.overdue
  invoice.overpaid invoice.paid invoice.payment_action_required invoice.payment_attempt_required
  invoice.payment_failed invoice.payment_succeeded invoice.sent invoice.upcoming invoice.updated invoice.voided
  invoice.will_be_due invoice_payment.paid invoiceitem.created invoiceitem.deleted issuing_authorization.created
  issuing_authorization.request issuing_authorization.updated issuing_card.created issuing_card.updated
  issuing_cardholder.created issuing_cardholder.updated issuing_dispute.closed issuing_dispute.created
  issuing_dispute.funds_reinstated issuing_dispute.funds_rescinded issuing_dispute.submitted
  issuing_dispute.updated issuing_personalization_design.activated issuing_personalization_design.deactivated
  issuing_personalization_design.rejected issuing_personalization_design.updated issuing_token.created
  issuing_token.updated issuing_transaction.created issuing_transaction.purchase_details_receipt_updated
  issuing_transaction.updated mandate.updated payment_intent.amount_capturable_updated payment_intent.canceled
  payment_intent.created payment_intent.partially_funded payment_intent.payment_failed payment_intent.processing
  payment_intent.requires_action payment_intent.succeeded payment_link.created payment_link.updated
  payment_method.attached payment_method.automatically_updated payment_method.detached payment_method.updated
  payout.canceled payout.created payout.failed payout.paid payout.reconciliation_completed payout.updated
  person.created person.deleted person.updated plan.created plan.deleted plan.updated price.created price.deleted
  price.updated product.created product.deleted product.updated promotion_code.created promotion_code.updated
  quote.accepted quote.canceled quote.created quote.finalized radar.early_fraud_warning.created
  radar.early_fraud_warning.updated refund.created refund.failed refund.updated review.closed review.opened
  setup_intent.canceled setup_intent.created setup_intent.requires_action setup_intent.setup_failed
  setup_intent.succeeded sigma.scheduled_query_run.created source.canceled source.chargeable source.failed
  source.refund_attributes_required subscription_schedule.aborted subscription_schedule.canceled
  subscription_schedule.completed subscription_schedule.created subscription_schedule.expiring
  subscription_schedule.released subscription_schedule.updated tax.settings.updated tax_rate.created
  tax_rate.updated terminal.reader.action_failed terminal.reader.action_succeeded terminal.reader.action_updated
  test_helpers.test_clock.advancing test_helpers.test_clock.created test_helpers.test_clock.deleted
  test_helpers.test_clock.internal_failure test_helpers.test_clock.ready topup.canceled topup.created topup.failed
  topup.reversed topup.succeeded transfer.created transfer.reversed transfer.updated
`);

/** Types without a thin twin. */
const snapshotOnly = typesIn(`
  apps.install.created apps.install.deleted apps.install.updated customer.source.created customer.source.deleted
  customer.source.expiring customer.source.updated
  financial_connections.authorization.expected_deactivation_date_updated
  financial_connections.authorization.upcoming_deactivation reporting.report_run.failed
  reporting.report_run.succeeded reporting.report_type.updated reserve.hold.created reserve.hold.updated
  reserve.plan.created reserve.plan.disabled reserve.plan.expired reserve.plan.updated reserve.release.created
  source.mandate_notification source.transaction.created source.transaction.updated
  three_d_secure.authentication.canceled three_d_secure.authentication.challenge_started
  three_d_secure.authentication.errored three_d_secure.authentication.failed
  three_d_secure.authentication.requires_challenge three_d_secure.authentication.requires_submission
  three_d_secure.authentication.succeeded treasury.credit_reversal.created treasury.credit_reversal.posted
  treasury.debit_reversal.completed treasury.debit_reversal.created treasury.debit_reversal.initial_credit_granted
  treasury.financial_account.closed treasury.financial_account.created
  treasury.financial_account.features_status_updated treasury.inbound_transfer.canceled
  treasury.inbound_transfer.created treasury.inbound_transfer.failed treasury.inbound_transfer.succeeded
  treasury.outbound_payment.canceled treasury.outbound_payment.created
  treasury.outbound_payment.expected_arrival_date_updated treasury.outbound_payment.failed
  treasury.outbound_payment.posted treasury.outbound_payment.returned
  treasury.outbound_payment.tracking_details_updated treasury.outbound_transfer.canceled
  treasury.outbound_transfer.created treasury.outbound_transfer.expected_arrival_date_updated
  treasury.outbound_transfer.failed treasury.outbound_transfer.posted treasury.outbound_transfer.returned
  treasury.outbound_transfer.tracking_details_updated treasury.received_credit.created
  treasury.received_credit.failed treasury.received_credit.succeeded treasury.received_debit.created
`);

/** Finer types of thin events, without the `v1.` before them. */
const thinOnly = typesIn(`
  billing.meter.error_report_triggered billing.meter.no_meter_found customer.discount.source_changed
  customer.subscription.active customer.subscription.cancel_at_changed
  customer.subscription.default_payment_method_changed customer.subscription.incomplete
  customer.subscription.incomplete_expired customer.subscription.item_added
  customer.subscription.item_price_changed customer.subscription.item_quantity_changed
  customer.subscription.item_removed customer.subscription.item_tax_rates_changed customer.subscription.past_due
  customer.subscription.trialing customer.subscription.unpaid
  entitlements.active_entitlement_summary.entitlement_added
  entitlements.active_entitlement_summary.entitlement_removed financial_connections.account.balance_refresh_failed
  financial_connections.account.balance_refresh_succeeded
  financial_connections.account.inferred_balances_refresh_failed
  financial_connections.account.inferred_balances_refresh_succeeded
  financial_connections.account.ownership_refresh_failed financial_connections.account.ownership_refresh_succeeded
  financial_connections.account.risk_intelligence_refresh_failed
  financial_connections.account.risk_intelligence_refresh_succeeded
  financial_connections.account.transactions_refresh_failed
  financial_connections.account.transactions_refresh_succeeded invoice.discount_added invoice.discount_removed
  invoice.line_item_added invoice.line_item_pricing_changed invoice.line_item_quantity_changed
  invoice.line_item_removed invoice_payment.canceled invoice_payment.open invoiceitem.amount_changed
  invoiceitem.discount_added invoiceitem.discount_removed price.activated price.deactivated
  price.lookup_key_changed price.tax_behavior_changed product.activated product.deactivated
  product.default_price_changed product.tax_code_changed promotion_code.fully_redeemed
  subscription_schedule.phase_added subscription_schedule.phase_default_tax_rates_changed
  subscription_schedule.phase_end_date_changed subscription_schedule.phase_removed
  subscription_schedule.phase_trial_end_changed
`);

/** Types of the v2 API's own objects. */
const v2Types = typesIn(`
  v2.commerce.product_catalog.imports.failed v2.commerce.product_catalog.imports.processing
  v2.commerce.product_catalog.imports.succeeded v2.commerce.product_catalog.imports.succeeded_with_errors
  v2.core.account.closed v2.core.account.created v2.core.account.updated
  v2.core.account[configuration.customer].capability_status_updated
  v2.core.account[configuration.customer].updated
  v2.core.account[configuration.merchant].capability_status_updated
  v2.core.account[configuration.merchant].updated
  v2.core.account[configuration.recipient].capability_status_updated
  v2.core.account[configuration.recipient].updated v2.core.account[defaults].updated
  v2.core.account[future_requirements].updated v2.core.account[identity].updated
  v2.core.account[requirements].updated v2.core.account_link.returned v2.core.account_person.created
  v2.core.account_person.deleted v2.core.account_person.updated v2.core.event_destination.ping
  v2.money_management.adjustment.created v2.money_management.financial_account.created
  v2.money_management.financial_account.updated v2.money_management.financial_address.activated
  v2.money_management.financial_address.failed v2.money_management.inbound_transfer.available
  v2.money_management.inbound_transfer.bank_debit_failed
  v2.money_management.inbound_transfer.bank_debit_processing
  v2.money_management.inbound_transfer.bank_debit_queued v2.money_management.inbound_transfer.bank_debit_returned
  v2.money_management.inbound_transfer.bank_debit_succeeded v2.money_management.outbound_payment.canceled
  v2.money_management.outbound_payment.created v2.money_management.outbound_payment.failed
  v2.money_management.outbound_payment.posted v2.money_management.outbound_payment.returned
  v2.money_management.outbound_payment.under_review v2.money_management.outbound_payment.updated
  v2.money_management.payout_intent.canceled v2.money_management.payout_intent.created
  v2.money_management.payout_intent.pending v2.money_management.payout_intent.posted
  v2.money_management.payout_intent.processing v2.money_management.payout_intent.requires_action
  v2.money_management.payout_intent.updated v2.money_management.payout_method.created
  v2.money_management.payout_method.updated v2.money_management.received_credit.available
  v2.money_management.received_credit.failed v2.money_management.received_credit.returned
  v2.money_management.received_credit.succeeded v2.money_management.recipient_verification.created
  v2.money_management.recipient_verification.updated v2.money_management.transaction.created
  v2.money_management.transaction.updated
`);

/** Every type that a snapshot event may have, such as `invoice.paid`. */
export const snapshotEventTypes: ReadonlySet<string> = new Set([...snapshotAndThin, ...snapshotOnly]);

/** Every type that a thin event may have, such as `v1.invoice.paid`. */
export const thinEventTypes: ReadonlySet<string> = new Set([
  ...[...snapshotAndThin, ...thinOnly].map((type) => `v1.${type}`),
  ...v2Types,
]);

function typesIn(text: string): string[] {
  return text.trim().split(/\s+/);
}

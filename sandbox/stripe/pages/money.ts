/** An amount as people read it, such as `$12.00`, `¥500`. @param amount in minor units of the currency */
export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  // As text: a division would round what is large.
  return format.format(`${amount}E-${digits}` as Intl.StringNumericLiteral);
}

"""Run by the interpreter of another environment: NautilusTrader's backtest engine on a file of quotes, counted.

Takes an npy file with the columns time (ns), place of the pair, bid, ask; then the names of the pairs.
Prints one line of JSON: version, quotes per second of the engine's run (loading the quotes is not timed).
"""

import json
import sys
from decimal import Decimal
from time import perf_counter

import nautilus_trader
import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy


class Counting(Strategy):
    """Takes every quote and does nothing."""

    def __init__(self, instruments: list) -> None:
        super().__init__(StrategyConfig())
        self.instruments, self.seen = instruments, 0

    def on_start(self) -> None:
        for instrument in self.instruments:
            self.subscribe_quote_ticks(instrument.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self.seen += 1


def main(file: str, pairs: list[str]) -> None:
    quotes = np.load(file)
    count = len(quotes)
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    venue = Venue("SIM")
    engine.add_venue(venue, OmsType.HEDGING, AccountType.MARGIN, [Money(1_000_000, USD)], default_leverage=Decimal(20))
    names = [f"{pair[:3]}/{pair[3:]}" for pair in pairs]
    instruments = [TestInstrumentProvider.default_fx_ccy(name, venue) for name in names]
    for instrument in instruments:
        engine.add_instrument(instrument)
    size, ticks = Quantity.from_int(1_000_000), []
    for time, place, bid, ask in quotes.tolist():
        instrument = instruments[int(place)]
        digits, time_ns = instrument.price_precision, int(time)
        ticks.append(QuoteTick(instrument.id, Price(bid, digits), Price(ask, digits), size, size, time_ns, time_ns))
    engine.add_data(ticks, sort=True)
    strategy = Counting(instruments)
    engine.add_strategy(strategy)
    began = perf_counter()
    engine.run()
    seconds = perf_counter() - began
    if strategy.seen != count:
        raise RuntimeError(f"the peer saw {strategy.seen} of {count} quotes")
    told = {"version": nautilus_trader.__version__, "quotes_per_second": count / seconds}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

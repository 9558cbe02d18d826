"""The paper broker: executes on paper at watched prices, with every trouble a real broker can make."""

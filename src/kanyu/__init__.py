"""kanyu (勧誘チェッカー): finds sales pitches in Japanese messages and shows the words."""

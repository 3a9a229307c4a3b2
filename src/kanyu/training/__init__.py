"""Training and measuring: the only part of kanyu that needs scikit-learn."""
